"""Run a program that nobody trusts: no network, bounded time, memory, files and processes."""
