"""What campaigns that boot many altered images share: their arguments, how many cases each kind has, their tables."""

import argparse
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Campaign:
    build: Path
    count: int  # cases in all
    chance: random.Random

    @classmethod
    def of_arguments(cls, description: str | None, count: int) -> "Campaign":
        """Prints the seed that repeats it; `count` is the default."""
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("build", type=Path)
        parser.add_argument("--count", type=int, default=count)
        parser.add_argument("--seed", type=int, default=0)
        options = parser.parse_args()
        seed = options.seed or random.randrange(1, 1 << 32)
        print(f"seed={seed}", flush=True)
        return cls(options.build, options.count, random.Random(seed))

    def share(self, number: int, kinds: int) -> int:
        """Cases of one of so many kinds."""
        return self.count // kinds + (number < self.count % kinds)


def table(head: str, columns: Sequence[str], rows: Mapping[str, Counter[str]]) -> list[str]:
    """Lines: a row for each name, and one for all."""
    counted = {**rows, "in all": sum(rows.values(), Counter())}
    lines = [f"{head:26}" + "".join(f"{column:>22}" for column in columns)]
    return lines + [
        f"{name:26}" + "".join(f"{row[column]:>22,}" for column in columns) for name, row in counted.items()
    ]
