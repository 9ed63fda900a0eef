"""One module for each figure, with its FIGURE. To add one: write the module, and name it here."""

FIGURES = (  # in the order of the story, in which they are drawn and shown
    "grid", "learning_curves", "gradient_flow", "gradient_over_time", "forward_signal", "saturation", "symmetry",
    "phase_diagram", "jacobian", "update_ratio", "decision_boundary", "seeds",
)  # fmt: skip
