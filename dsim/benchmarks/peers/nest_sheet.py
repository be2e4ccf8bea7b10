"""NEST on a network that dsim has listed."""

from typing import Any

import driver
import numpy as np

MODELS = {
    'izhikevich': ('izhikevich', {'a': 'a', 'b': 'b', 'c': 'c', 'd': 'd'},
                   {'v': 'V_m', 'u': 'U_m'}),
    'currents': ('iaf_psc_exp', {name: name for name in (
        'C_m', 'tau_m', 'tau_syn_ex', 'tau_syn_in', 'E_L', 'V_reset',
        't_ref', 'I_e')}, {'v': 'V_m'}),
    'conductances': ('iaf_cond_exp', {name: name for name in (
        'C_m', 'g_L', 'E_L', 'V_reset', 't_ref', 'E_ex', 'E_in',
        'tau_syn_ex', 'tau_syn_in', 'I_e')},
        {'v': 'V_m', 'g_ex': 'g_ex', 'g_in': 'g_in'}),
}
"""Kind -> NEST's model, its parameters and states by dsim's names."""


def main() -> None:
    """Build and simulate, and write what it took."""
    given = driver.arguments()
    listed, meter = driver.Listed(given.network), driver.Meter()
    import nest

    nest.set_verbosity('M_ERROR')
    kind = listed.model(MODELS)
    with meter.phase('build'):
        nest.ResetKernel()
        nest.set(resolution=listed.dt, local_num_threads=1,
                 rng_seed=listed.seed % 2**31 + 1)
        # Neurons first, as NEST numbers all nodes from 1
        nodes = [_create(nest, listed, population, kind)
                 for population in listed.populations]
        for population, made in zip(listed.populations, nodes,
                                    strict=True):
            _disturb(nest, listed, population, made)
        recorder = nest.Create('spike_recorder', params={
            'record_to': 'memory', 'time_in_steps': True})
        kept = driver.kept_neurons(listed, given.record)
        nest.Connect(nest.NodeCollection(range(1, kept + 1)), recorder)
    for k, pathway in enumerate(listed.pathways()):
        with meter.phase('build'):
            _connect(nest, listed, pathway, kind, k)
        del pathway

    with meter.phase('build'):
        nest.Prepare()
    nest.Run(given.warm_up)
    with meter.phase('simulate'):
        nest.Run(given.duration)
    nest.Cleanup()
    peak = driver.peak_memory()
    events = recorder.get('events')
    driver.report(given, listed, meter, 'nest', nest.__version__,
                  np.asarray(events['times'], np.int64) - 1,
                  np.asarray(events['senders'], np.int64) - 1,
                  peak_memory=peak)


def _create(nest: Any, listed: driver.Listed, population: dict[str, Any],
            kind: str) -> Any:
    """Return a population of NEST."""
    model, parameters, states = MODELS[kind]
    values = {theirs: listed.value(population, 'parameters', ours)
              for ours, theirs in parameters.items()}
    values |= {theirs: listed.value(population, 'states', ours)
               for ours, theirs in states.items()}
    values['V_th'] = driver.threshold(listed, population)
    if kind == 'izhikevich':
        values['consistent_integration'] = False
    return nest.Create(model, population['size'], params=values)


def _disturb(nest: Any, listed: driver.Listed, population: dict[str, Any],
             nodes: Any) -> None:
    """Give a population its noise, or its constant current."""
    mean = listed.value(population, 'noise', 'mean')
    std = listed.value(population, 'noise', 'std')
    if np.ndim(mean) or np.ndim(std):
        driver.refuse('the driver of NEST knows noise that is equal for '
                      'all neurons of a population only')
    if std:
        noise = nest.Create('noise_generator', params={
            'mean': mean, 'std': std, 'dt': listed.dt})
        # A device's current comes one delay later, which makes no odds
        nest.Connect(noise, nodes, syn_spec={'delay': listed.dt})
    elif mean:
        nodes.I_e = [mean + each for each in np.ravel(nodes.I_e)]


def _connect(nest: Any, listed: driver.Listed, pathway: driver.Pathway,
             kind: str, k: int) -> None:
    """Connect one by one; an equal weight is kept once for all."""
    # Conductances by sign: NEST's are negative where they inhibit
    sign = (-1.0 if kind == 'conductances'
            and pathway.receptor == 'inhibitory' else 1.0)
    count = pathway.sources.size
    spec = {'delay': listed.dt*np.broadcast_to(pathway.delays, count)
            .astype(np.float64)}
    if pathway.weights.size == 1:
        model = f'pathway_{k}'
        nest.CopyModel('static_synapse_hom_w', model,
                       {'weight': sign*float(pathway.weights[0])})
    else:
        model, spec['weight'] = 'static_synapse', sign*pathway.weights
    nest.Connect(pathway.sources.astype(np.int64) + 1,
                 pathway.targets.astype(np.int64) + 1, 'one_to_one',
                 syn_spec={'synapse_model': model, **spec})


if __name__ == '__main__':
    main()
