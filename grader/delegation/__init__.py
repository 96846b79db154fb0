"""Was an answer computed by the submission's own backend? Cases asked again in a worker that is changed on purpose."""
