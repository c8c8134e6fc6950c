"""Checks: each finds one thing out about an answer, of a stated kind, and says what it found.

A check is a function of (answer, arguments, the task's input): pure, never raising for what a model wrote, bounded in time
and memory.
"""
