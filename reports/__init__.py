"""Figures, drawn from what MLflow holds and nothing else: one module each."""
