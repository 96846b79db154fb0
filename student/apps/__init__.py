"""The models of the assignment and how they are trained."""
