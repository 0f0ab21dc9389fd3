"""An allocation of the kernel fails: no crash, a message, nothing lost. One boot for each place that allocates."""

import pytest

from ambilink.machine.model import Verdict

from .out_of_memory import FAILED, STRATEGIES, FailingImage, Site, judge, pack, sites


@pytest.fixture(scope="module")
def images(build, tmp_path_factory):
    paths = {strategy: pack(build, tmp_path_factory.mktemp(strategy), strategy) for strategy in STRATEGIES}
    return {strategy: (FailingImage.of(path), sites(path)) for strategy, path in paths.items()}


def new_sites(images) -> dict[str, list[int]]:
    """By strategy, an allocation of each site that no strategy before it has."""
    seen: set[Site] = set()
    chosen: dict[str, list[int]] = {}
    for strategy, (_, found) in images.items():
        first: dict[Site, int] = {}
        for number, site in enumerate(found, 1):
            first.setdefault(site, number)
        chosen[strategy] = [number for site, number in first.items() if site not in seen]
        seen |= set(first)
    return chosen


def problems(images, chosen, machine):
    return [
        f"{strategy}: allocation {judged.number}: {judged.wrong}: {judged.text}"
        for strategy, numbers in chosen.items()
        for judged in judge(images[strategy][0], numbers, machine)
        if judged.wrong
    ]


def test_each_place_that_allocates_fails_once(images):
    chosen = new_sites(images)
    assert sum(map(len, chosen.values())) > 60  # or the sites are not kept apart
    assert problems(images, chosen, "emulator") == []


def test_some_fail_on_each_machine(images, machine):
    chosen = {strategy: numbers[::12] for strategy, numbers in new_sites(images).items()}
    assert problems(images, chosen, machine) == []


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_there_is_no_allocation_after_the_last(images, strategy):
    image, found = images[strategy]
    last, none = image.boot(len(found)), image.boot(len(found) + 1)
    assert FAILED in " ".join(last.text)
    assert FAILED not in " ".join(none.text) and none.verdict is Verdict.PASS
