"""Datasets of several runs joined into one: what repeats is left out, sides hold, and the mix is as it is wanted."""
