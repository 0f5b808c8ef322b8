"""Chatkeep: an AI assistant for any website, without having to trust the website, the visitor or the model."""

__version__ = "0.1.0"
