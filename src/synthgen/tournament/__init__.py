"""The tournament: every strategy over the same items whose answers are known, and the policy that follows (Orca 2, section 3)."""
