"""The mugrade-compatible service and the gradebook. Runs on the course's machine only; it is not in the release."""
