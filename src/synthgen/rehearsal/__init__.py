"""The rehearsal: a real HTTP server that imitates a teacher, so that the first command needs no key, GPU or network.

It speaks the OpenAI protocol and knows only what is on the wire. Its replies are a pure function of the request body,
its faults come at stated rates (`rates.py`), and its answers fail together on hard tasks. docs/rehearsal.md says more.

To add a family of tasks: one `Family` in a module of `families/`, with a core sentence, the pattern that finds it
again in any text, and a solver. The tests run over every family.
"""
