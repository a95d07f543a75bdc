"""Helpers shared by the end-to-end tests: servers, a raw RESP client, case tables, checkers."""
