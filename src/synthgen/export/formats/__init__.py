"""The shapes that other trainers read: one module each, pure functions of the folder's own rows."""
