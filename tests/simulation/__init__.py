"""The whole product on a virtual clock with seeded faults: real services, real rows, providers and deaths made up.

``story`` makes a stream of happenings from a seed, ``simulation`` tells it, ``faults`` kills and interrupts at any database
statement, ``provider`` answers for the outside world, ``invariants`` asks the rows whether DESIGN.md §5 still holds, ``shrink``
shortens a story that fails. ``make simulate`` runs many; the tests here run a few and prove that it can fail.
"""
