"""Runs what the compiled part has brought along."""

from vec import _native

exec(_native.taken())
