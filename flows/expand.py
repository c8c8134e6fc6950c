"""The whole line as a recipe: `python flows/expand.py`, or deployed through prefect.yaml as `synthgen-expand/expand`."""

from synthgen import pipeline

if __name__ == "__main__":
    pipeline.run_script(seeds="seeds", out="runs/flow", target=60, teacher="rehearsal")
else:
    expand = pipeline.deployable()
