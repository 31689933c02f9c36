"""The credit process in SimPy: prints the CPU time per case."""
import random
import sys
import time

import simpy

CASES = int(sys.argv[1])
rng = random.Random(1)
durations = []


def work(env, station, mean):
    with station.request() as turn:
        yield turn
        yield env.timeout(rng.expovariate(1 / mean))


def case(env, clerk1, clerk2, officer1, officer2):
    began = env.now
    yield env.process(work(env, clerk1, 600)) & env.process(work(env, clerk2, 1200))
    while True:
        yield from work(env, officer1, 1200)
        if rng.random() < 0.8:
            yield from work(env, officer2, 600)
            break
        yield from work(env, officer2, 600)
        yield env.timeout(rng.expovariate(1 / 60))
        if rng.random() >= 0.2:
            break
    durations.append(env.now - began)


def arrivals(env):
    stations = [simpy.Resource(env, 1) for _ in range(4)]
    for _ in range(CASES):
        yield env.timeout(rng.expovariate(1 / 1800))
        env.process(case(env, *stations))


began = time.process_time()
env = simpy.Environment()
env.process(arrivals(env))
env.run()
spent = time.process_time() - began
print(f"SimPy {simpy.__version__}: {spent / len(durations) * 1e9:.1f} ns/case CPU, {len(durations)} cases")
