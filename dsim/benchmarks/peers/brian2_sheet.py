"""Brian2 on a network that dsim has listed.

``--mode cython`` runs in this process; ``--mode cpp_standalone`` makes a
program, of which the second of two runs is measured by the program itself.
"""

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import driver
import numpy as np

LEAKY = '''
dv/dt = {slope} : 1 (unless refractory)
dge/dt = -ge/(tau_syn_ex*ms) : 1
dgi/dt = -gi/(tau_syn_in*ms) : 1
'''


class Kind(NamedTuple):
    """Equations in Brian's words, and how they read a list.

    ``late`` is how many steps less than dsim's a delay is: in Brian, what
    arrives at the end of a step acts in the next one.
    """

    equations: str
    step: str
    threshold: str
    reset: str
    method: str | None
    parameters: tuple[str, ...]
    states: dict[str, str]
    receptors: dict[str, str]
    late: int


KINDS = {
    # The program of Izhikevich (2003): two half steps, then u
    'izhikevich': Kind(
        'v : 1\nu : 1\nI : 1\n', '''
        drive = I + mean + std*randn()
        v += half*(0.04*v**2 + 5*v + 140 - u + drive)
        v += half*(0.04*v**2 + 5*v + 140 - u + drive)
        u += 2*half*a*(b*v - u)
        I = 0''',
        'v >= v_peak', 'v = c; u += d', None,
        ('a', 'b', 'c', 'd', 'v_peak'), {'v': 'v', 'u': 'u'},
        {'input': 'I'}, 1),
    'currents': Kind(
        LEAKY.format(slope='(E_L - v)/(tau_m*ms)'
                           ' + (ge + gi + I_e + mean)/(C_m*ms)'), '',
        'v >= V_th', 'v = V_reset', 'exact',
        ('C_m', 'tau_m', 'tau_syn_ex', 'tau_syn_in', 'E_L', 'V_th',
         'V_reset', 'I_e'),
        {'v': 'v', 'current_ex': 'ge', 'current_in': 'gi'},
        {'excitatory': 'ge', 'inhibitory': 'gi'}, 0),
    # Forward Euler, as in Brian's own program for this benchmark
    'conductances': Kind(
        LEAKY.format(slope='(g_L*(E_L - v) + ge*(E_ex - v) + gi*(E_in - v)'
                           ' + I_e + mean)/(C_m*ms)'), '',
        'v >= V_th', 'v = V_reset', 'euler',
        ('C_m', 'g_L', 'E_L', 'V_th', 'V_reset', 'E_ex', 'E_in',
         'tau_syn_ex', 'tau_syn_in', 'I_e'),
        {'v': 'v', 'g_ex': 'ge', 'g_in': 'gi'},
        {'excitatory': 'ge', 'inhibitory': 'gi'}, 0),
}

TELL = """{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double peak = 0;
    std::string line;
    std::ifstream status("/proc/self/status");
    while (std::getline(status, line))
        if (line.compare(0, 6, "VmHWM:") == 0)
            peak = std::atof(line.c_str() + 6);
    std::ofstream told("%s", std::ios::app);
    told.precision(15);
    told << double(std::clock())/CLOCKS_PER_SEC << " "
         << now.tv_sec + 1e-9*now.tv_nsec << " " << peak << std::endl;
}"""
"""C++ that adds a line to a file: CPU and wall seconds, kB at most."""


def main() -> None:
    """Build and simulate, and write what it took."""
    given = driver.arguments()
    listed, meter = driver.Listed(given.network), driver.Meter()
    import brian2

    kind = KINDS[listed.model(KINDS)]
    with tempfile.TemporaryDirectory() as folder:
        if given.mode == 'cpp_standalone':
            brian2.set_device('cpp_standalone', build_on_run=False,
                              directory=str(Path(folder)/'program'))
        else:
            brian2.prefs.codegen.target = 'cython'
        brian2.defaultclock.dt = listed.dt*brian2.ms
        brian2.seed(listed.seed % 2**32)
        run = (_run_program if given.mode == 'cpp_standalone' else _run)

        network, monitor = _network(brian2, listed, meter, kind, given)
        peak = run(brian2, network, meter, given, Path(folder))
        steps = np.rint(np.asarray(monitor.t/brian2.ms)/listed.dt)
        driver.report(given, listed, meter, given.mode or 'cython',
                      brian2.__version__, steps.astype(np.int64),
                      np.asarray(monitor.i[:], np.int64), peak_memory=peak)


def _network(brian2: Any, listed: driver.Listed, meter: driver.Meter,
             kind: Kind, given: Any) -> tuple[Any, Any]:
    """Return Brian's network and the monitor of its spikes."""
    with meter.phase('build'):
        group = _group(brian2, listed, kind)
        kept = driver.kept_neurons(listed, given.record)
        monitor = brian2.SpikeMonitor(
            group if kept == listed.neurons else group[:kept])
        network = brian2.Network(group, monitor)
    for pathway in listed.pathways():
        with meter.phase('build'):
            network.add(_synapses(brian2, listed, kind, group, pathway))
        del pathway
    return network, monitor


def _group(brian2: Any, listed: driver.Listed, kind: Kind) -> Any:
    """Return all neurons as one group: fewer objects, fewer calls a step."""
    values = {name: listed.everywhere('parameters', name)
              for name in kind.parameters if name not in ('V_th', 'v_peak')}
    parts = [np.broadcast_to(driver.threshold(listed, p), p['size'])
             for p in listed.populations]
    values['V_th' if 'V_th' in kind.parameters else 'v_peak'] = (
        np.concatenate(parts))
    for name in 'mean', 'std':
        values[name] = listed.everywhere('noise', name)
    if not kind.step and np.any(values['std']):
        driver.refuse('the driver of Brian2 has noise for the model of '
                      'Izhikevich only')

    # What is alike for all neurons is a number in the code
    own = {name: value for name, value in values.items()
           if np.ndim(value) and np.ptp(value) > 0}
    alike = {name: float(np.ravel(value)[0])
             for name, value in values.items() if name not in own}
    lines = ''.join(f'{name} : 1 (constant)\n' for name in own)
    group = brian2.NeuronGroup(
        listed.neurons, kind.equations + lines, threshold=kind.threshold,
        reset=kind.reset, method=kind.method or 'euler',
        namespace={**alike, 'half': listed.dt/2},
        refractory=_refractory(brian2, listed, kind))
    for name, value in own.items():
        setattr(group, name, value)
    for ours, theirs in kind.states.items():
        setattr(group, theirs, listed.everywhere('states', ours))
    if kind.step:
        group.run_regularly(kind.step, when='groups')
    return group


def _refractory(brian2: Any, listed: driver.Listed, kind: Kind) -> Any:
    if kind.step:
        return False
    found = listed.everywhere('parameters', 't_ref')
    if np.ndim(found):
        driver.refuse('the driver of Brian2 knows one t_ref only')
    # Brian counts the step of the spike itself
    return (round(found/listed.dt) + 1)*listed.dt*brian2.ms


def _synapses(brian2: Any, listed: driver.Listed, kind: Kind, group: Any,
              pathway: driver.Pathway) -> Any:
    own = pathway.weights.size > 1
    variable = kind.receptors[pathway.receptor]
    delays = ((pathway.delays.astype(np.float64) - kind.late)*listed.dt
              *brian2.ms)
    equal = delays[0] if pathway.delays.size == 1 else None
    synapses = brian2.Synapses(
        group, group, 'weight : 1' if own else '',
        on_pre=f'{variable}_post += weight', delay=equal,
        namespace={} if own else {'weight': float(pathway.weights[0])})
    synapses.connect(i=pathway.sources, j=pathway.targets)
    if own:
        synapses.weight = pathway.weights
    if equal is None:
        synapses.delay = delays
    return synapses


def _run(brian2: Any, network: Any, meter: driver.Meter, given: Any,
         folder: Path) -> int:
    """Run in this process; return the memory it took.

    Only the loop over steps is measured: what Brian2 prepares at the
    start of each run, the second one too, counts as building.
    """
    before, after, marks = network.before_run, network.after_run, []

    def begun(*arguments: Any) -> None:
        begin = meter.now()
        before(*arguments)
        meter.count('build', begin)
        marks.append(meter.now())

    def ended(*arguments: Any) -> None:
        if len(marks) == 2:
            meter.count('simulate', marks[1])
        after(*arguments)

    network.before_run, network.after_run = begun, ended
    for duration in given.warm_up, given.duration:
        network.run(duration*brian2.ms)
    return driver.peak_memory()


def _run_program(brian2: Any, network: Any, meter: driver.Meter, given: Any,
                 folder: Path) -> int:
    """Make a program, run it, and return the memory it took.

    It tells its time itself, at the start and end of both runs.  Compiling
    and what it does before its first run count as building.
    """
    told = folder/'told'
    with meter.phase('build'):
        for slot in 'before_network_run', 'after_network_run':
            brian2.device.insert_code(slot, TELL % told)
        for duration in given.warm_up, given.duration:
            network.run(duration*brian2.ms)
        brian2.device.build(compile=True, run=False, with_output=False)
    _, wall = meter.now()
    brian2.device.run(with_output=False)

    lines = np.loadtxt(told)
    times = lines[:, :2]
    for name, first, last in (('build', (0.0, wall), times[0]),
                              ('simulate', times[2], times[3])):
        for kind, begin, end in zip(
                ('cpu', 'wall'), first, last, strict=True):
            key = f'{name}_{kind}'
            meter.seconds[key] = meter.seconds.get(key, 0.0) + end - begin
    return int(1024*lines[3, 2])


if __name__ == '__main__':
    main()
