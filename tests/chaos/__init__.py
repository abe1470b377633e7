"""Chaos: the product's real processes on a real database with a real mail server, while all of them fail at random.

Walk: ``__main__`` makes a house (``house``) and plays rounds; a round (``round``) posts alerts while strikes (``strikes``)
befall the house, waits until all has come to an end, and then every page is accounted for (``accounts``).
"""
