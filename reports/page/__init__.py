"""The page: one HTML file with all figures, a table of the cells, and each network layer by layer."""
