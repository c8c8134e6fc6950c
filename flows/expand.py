"""The whole line as a deployable flow: `python flows/expand.py`, or `prefect deploy` through prefect.yaml."""

from synthgen.pipeline import expand

if __name__ == "__main__":
    expand(seeds="seeds", out="runs/flow", target=60, teacher="rehearsal")
