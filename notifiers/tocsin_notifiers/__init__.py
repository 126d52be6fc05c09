"""Channels: how a notification leaves the house."""
