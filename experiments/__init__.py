"""Named studies: a question, its source, and claims checked on the results."""
