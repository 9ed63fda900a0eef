"""One module for each figure, with its FIGURE. To add one: write the module, and name it here."""

FIGURES = (  # in the order in which they are drawn and shown
    "saturation", "gradient_flow", "gradient_over_time", "symmetry", "forward_signal", "learning_curves", "grid",
    "jacobian", "phase_diagram", "update_ratio", "decision_boundary", "seeds",
)  # fmt: skip
