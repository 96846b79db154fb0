"""What follows from what is kept: rules, points, people, the gradebook and its exports."""
