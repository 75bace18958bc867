"""The measure of the soak itself: a leak is seen, noise is not."""

import random
import unittest

from soak import growth_mb


class Growth(unittest.TestCase):
    def test_a_steady_leak_is_its_whole_rise(self):
        self.assertAlmostEqual(growth_mb([(x, 100 + x * 0.01) for x in range(3600)]), 35.99, places=2)

    def test_noise_around_a_level_is_none(self):
        chance = random.Random(1)
        samples = [(x, 100 + chance.uniform(-8, 8)) for x in range(400)]
        self.assertLess(abs(growth_mb(samples)), 2)

    def test_one_sample_is_no_line(self):
        with self.assertRaises(ValueError):
            growth_mb([(0, 1)])


if __name__ == "__main__":
    unittest.main()
