"""The wire that submissions travel on: shared by `submit.py` and the server."""
