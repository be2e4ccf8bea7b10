"""ANNarchy on a network that dsim has listed."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import driver
import numpy as np


class Kind(NamedTuple):
    """A neuron in ANNarchy's words, and how it reads a list.

    ``late`` is how many steps more than dsim's a delay is: in ANNarchy,
    what arrives in a step acts in it, not at its end.
    """

    equations: str
    spike: str
    reset: str
    parameters: tuple[str, ...]
    states: dict[str, str]
    receptors: dict[str, str]
    late: int


LEAKY = '''
{slope}
tau_syn_ex*dg_exc/dt = -g_exc
tau_syn_in*dg_inh/dt = -g_inh
'''
TARGETS = {'excitatory': 'exc', 'inhibitory': 'inh'}
KINDS = {
    # The program of Izhikevich (2003): two half steps, then u
    'izhikevich': Kind('''
noise = Normal(0.0, 1.0)
drive = g_input + mean + std*noise
first = v + 0.5*dt*(0.04*v*v + 5.0*v + 140.0 - u + drive)
v = first + 0.5*dt*(0.04*first*first + 5.0*first + 140.0 - u + drive)
u = u + dt*a*(b*v - u)
''', 'v >= top', 'v = c\nu += d', ('a', 'b', 'c', 'd'),
        {'v': 'v', 'u': 'u'}, {'input': 'input'}, 0),
    'currents': Kind(LEAKY.format(
        slope='C_m*dv/dt = C_m/tau_m*(E_L - v) + g_exc + g_inh + I_e + mean'),
        'v >= top', 'v = V_reset',
        ('C_m', 'tau_m', 'tau_syn_ex', 'tau_syn_in', 'E_L', 'V_reset',
         'I_e'),
        {'v': 'v', 'current_ex': 'g_exc', 'current_in': 'g_inh'}, TARGETS, 1),
    'conductances': Kind(LEAKY.format(
        slope='C_m*dv/dt = leak*(E_L - v) + g_exc*(E_ex - v) '
              '+ g_inh*(E_in - v) + I_e + mean'),
        'v >= top', 'v = V_reset',
        ('C_m', 'g_L', 'E_L', 'V_reset', 'E_ex', 'E_in', 'tau_syn_ex',
         'tau_syn_in', 'I_e'),
        {'v': 'v', 'g_ex': 'g_exc', 'g_in': 'g_inh'}, TARGETS, 1),
}


def main() -> None:
    """Build and simulate, and write what it took."""
    given = driver.arguments()
    listed, meter = driver.Listed(given.network), driver.Meter()
    kind = KINDS[listed.model(KINDS)]
    # It calls the tools of its environment by name
    os.environ['PATH'] = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ.get('PATH', '')])
    import ANNarchy

    with meter.phase('build'):
        network = ANNarchy.Network(dt=listed.dt, seed=listed.seed)
        everyone = _population(ANNarchy, network, listed, kind)
        kept = driver.kept_neurons(listed, given.record)
        monitor = network.monitor(everyone[:kept], 'spike')
    for pathway in listed.pathways():
        order = np.argsort(pathway.targets, kind='stable')
        with meter.phase('build'):
            network.connect(
                everyone, everyone, kind.receptors[pathway.receptor]
            ).from_function(_rows, pathway=pathway, order=order,
                            late=kind.late)
        del pathway, order

    with tempfile.TemporaryDirectory() as folder:
        with meter.phase('build'):
            network.compile(directory=folder, silent=True)
            _start(listed, kind, everyone)
        network.simulate(given.warm_up)
        with meter.phase('simulate'):
            network.simulate(given.duration)
        peak = driver.peak_memory()
        steps, numbers = _spikes(monitor.get('spike'))
    driver.report(given, listed, meter, 'annarchy', ANNarchy.__version__,
                  steps, numbers, peak_memory=peak)


def _population(ANNarchy: Any, network: Any, listed: driver.Listed,
                kind: Kind) -> Any:
    noisy = np.any(listed.everywhere('noise', 'std'))
    if noisy and 'std' not in kind.equations:
        driver.refuse('the driver of ANNarchy has noise for the model of '
                      'Izhikevich only')
    refractory = (listed.everywhere('parameters', 't_ref')
                  if 'tau_syn_ex' in kind.parameters else 0.0)
    if np.ndim(refractory):
        driver.refuse('the driver of ANNarchy knows one t_ref only')

    # It takes all that begins with g_ for the input of a receptor
    values = {name.replace('g_L', 'leak'):
              listed.everywhere('parameters', name)
              for name in kind.parameters}
    values |= {name: listed.everywhere('noise', name)
               for name in ('mean', 'std')}
    tops = [driver.threshold(listed, p) for p in listed.populations]
    values['top'] = tops[0] if len(set(tops)) == 1 else np.concatenate(
        [np.full(p['size'], top) for p, top
         in zip(listed.populations, tops, strict=True)])
    lines = [f'{name} = {float(np.ravel(value)[0])!r}'
             + ('' if np.ndim(value) else ' : population')
             for name, value in values.items()]
    neuron = ANNarchy.Neuron(
        parameters='\n'.join(lines), equations=kind.equations,
        spike=kind.spike, reset=kind.reset, refractory=refractory)
    everyone = network.create(listed.neurons, neuron)
    for name, value in values.items():
        if np.ndim(value):
            setattr(everyone, name, value)
    return everyone


def _start(listed: driver.Listed, kind: Kind, everyone: Any) -> None:
    """Set the first states, once they exist."""
    for ours, theirs in kind.states.items():
        setattr(everyone, theirs, listed.everywhere('states', ours))


def _rows(before: Any, after: Any, dt: float, pathway: driver.Pathway,
          order: np.ndarray, late: int) -> Any:
    """Return the connections by target, as ANNarchy wants them."""
    from ANNarchy import LILConnectivity

    rows = LILConnectivity(dt=dt)
    targets, sources = pathway.targets[order], pathway.sources[order]
    delays = (pathway.delays.astype(np.float64) + late)*dt
    weights = pathway.weights
    bounds = np.searchsorted(targets, np.arange(after.size + 1))
    for target in range(after.size):
        mine = slice(bounds[target], bounds[target + 1])
        rows.add(target, sources[mine],
                 weights if weights.size == 1 else weights[order[mine]],
                 delays if delays.size == 1 else delays[order[mine]])
    return rows


def _spikes(found: dict[int, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return (steps, numbers); ANNarchy stamps steps as dsim numbers them."""
    steps = [np.asarray(times, np.int64) for times in found.values()]
    numbers = np.repeat(np.fromiter(found, np.int64, len(found)),
                        [times.size for times in steps])
    return np.concatenate([np.zeros(0, np.int64), *steps]), numbers


if __name__ == '__main__':
    main()
