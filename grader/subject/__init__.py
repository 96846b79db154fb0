"""Talking to a submission: the worker runs beside it, the client asks and never trusts the answer."""
