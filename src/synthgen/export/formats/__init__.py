"""The shapes that other trainers read: one module each, pure functions of the folder's own rows.

Each view of a format can `write` a row of the folder and `read` it back, so what it holds is what was there: no text of its own
but names of fields and roles. That is why the search for strategy text over the folder's rows holds for these files too.
"""
