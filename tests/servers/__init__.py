"""Fake outside servers, real HTTP: what the tests put in the place of other people's services."""
