"""What a trainer makes of a dataset folder, found by asking the trainer itself (TRL). Needs the extra `trainers`."""
