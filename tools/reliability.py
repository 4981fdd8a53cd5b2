#!/usr/bin/env python3
"""What CI has no time for, against a built program: kills, full disks, interruptions, mutants, memory, estimates of time.

    python3 tools/reliability.py [YARDSTICK...] [--program FILE] [--jobs N] [--scale X] [--formulas FILE] [--seed N]

    kill          runs stopped at 100 random moments (three quarters SIGKILL), resumed on one and two threads: the same bits at the end
    filesize      1,000 runs under RLIMIT_FSIZE, the signal of the default action and ignored: the old record or a new one, whole
    interruption  every shipped scenario interrupted at 20 random moments: a valid record, and the slowest reaction
    scenarios     10,000 mutated scenarios through `check` and `scenario`
    formulas      100,000 mutated formulas, in the test binary mutated_inputs (found, or named by --formulas)
    data          2,000 mutated data files (CSV, .npy, .npz, HDF5) through `check`
    records       2,000 mutated records through `show`, `plot`, `report` and `resume`
    memory        more than 50 scenarios of many kinds: the measured peak against the limit that they run under
    cube          1000 x 1000 x 1000 cells are refused with exit code 4 in no time
    time          expected against real seconds of every shipped scenario; one at a time, on a machine that is idle

Without a name all but `time`. --scale 0.1 takes a tenth of the counts. Needs Python 3.9 and nothing else, a folder scenarios/ and fuzz/corpus/ beside
tools/; the program is target/release/fpsolve or --program. Exit code 1 where anything is wrong; each yardstick ends in one line that begins with its name.
"""
import argparse
import glob
import multiprocessing
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHIPPED = sorted(glob.glob(os.path.join(HOME, "scenarios", "*.toml")))
UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
MIB = 2**20
# seconds of computing, and of the clock, after which a command that says nothing hangs
HANG, WAIT = 20, 300
PROGRAM = ""


class Ended:
    """How a command ended: exit code (negative for a signal), what it said, peak of memory in bytes, seconds of computing and of the clock."""

    def __init__(self, code, said, usage, wall):
        self.code, self.said, self.wall = code, said, wall
        self.peak, self.cpu = usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime

    def wrong(self, codes):
        """What is wrong with it, in a word; None where it ended with one of these codes and in words."""
        if self.code in (-signal.SIGXCPU, -signal.SIGKILL):
            return "hang"
        if self.code < 0:
            return f"signal {-self.code}"
        if "this is a bug" in self.said or "panicked" in self.said:
            return "panic"
        return None if self.code in codes else f"code {self.code}"


def run(arguments, folder, cpu=None, before=None, wait=WAIT):
    """Runs the program (or another, by its path) in a folder."""
    def bounded():
        if cpu:
            resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 5))
        if before:
            before()

    command = arguments if os.path.isabs(arguments[0]) else [PROGRAM, *arguments]
    with tempfile.TemporaryFile() as said:
        start = time.time()
        child = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said, preexec_fn=bounded)
        return finish(child, said, start, wait)


def finish(child, said, start, wait=WAIT):
    """Waits for a command, and ends it where it takes too long."""
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        if time.time() - start > wait:
            child.kill()
            _, status, usage = os.wait4(child.pid, 0)
            break
        time.sleep(0.002)
    child.returncode = os.waitstatus_to_exitcode(status)
    said.seek(0)
    return Ended(child.returncode, said.read().decode(errors="replace"), usage, time.time() - start)


def write(folder, name, content):
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)


def read(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


class Tally:
    """Counts of outcomes, and examples of what is wrong."""

    def __init__(self, name):
        self.name, self.counts, self.wrong, self.start = name, {}, [], time.time()

    def add(self, kind, wrong=None):
        self.counts[wrong or kind] = self.counts.get(wrong or kind, 0) + 1
        if wrong:
            self.wrong.append(f"{wrong}: {kind}")

    def close(self, more=""):
        for line in self.wrong[:20]:
            print(f"  {line}")
        counts = ", ".join(f"{n} {kind}" for kind, n in sorted(self.counts.items(), key=lambda pair: -pair[1]))
        verdict = "WRONG" if self.wrong else "good"
        print(f"{self.name}: {verdict}: {counts}{more} ({time.time() - self.start:.0f} s)", flush=True)
        return not self.wrong


def spread(work, tasks, jobs):
    """The answers to all tasks, as they come, from as many processes."""
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield from pool.imap_unordered(work, tasks)


# ---- kill

PACE = 'output.checkpoint="0.1 s"'


def digest(folder, name):
    lines = run(["show", name, "--digest"], folder).said.splitlines()
    return dict(reversed(line.split("  ", 1)) for line in lines if "  " in line)


def whole(scenario):
    with tempfile.TemporaryDirectory() as folder:
        ended = run(["scenario", scenario, "-q", "-o", "r.h5", "--set", PACE], folder, wait=1800)
        return scenario, ended.code, ended.wall, digest(folder, "r.h5")


def killed(task):
    """One run that is stopped one to three times and resumed to its end: moments with and without a checkpoint, and what differs."""
    scenario, seconds, wanted, seed = task
    dice, found = random.Random(seed), dict(nothing=0, checkpoint=0, late=0, differ=[], name=os.path.basename(scenario))
    with tempfile.TemporaryDirectory() as folder:
        def go():
            threads = ["--threads", str(1 + dice.randrange(2)), "-q"]
            if os.path.exists(os.path.join(folder, "r.h5")):
                return ["resume", "r.h5", *threads]
            return ["scenario", scenario, "-o", "r.h5", "--set", PACE, *threads]

        for _ in range(dice.randint(1, 3)):
            child = subprocess.Popen([PROGRAM, *go()], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(dice.uniform(0.02, 1.0) * seconds)
            late = child.poll() is not None
            child.send_signal(signal.SIGTERM if dice.randrange(4) == 3 else signal.SIGKILL)
            child.wait()
            there = os.path.exists(os.path.join(folder, "r.h5"))
            found["late" if late else "checkpoint" if there else "nothing"] += 1
        ended = run(go(), folder, wait=1800)
        got = digest(folder, "r.h5")
        found["differ"] = [key for key in sorted({*got, *wanted}) if got.get(key) != wanted.get(key)]
        if ended.code not in (0, 3) or not got:
            found["differ"].append(f"code {ended.code} {ended.said[:200]}")
    return found


def kill(options):
    moments, tally = options.count(100), Tally("kill")
    base = []
    for scenario, code, seconds, wanted in spread(whole, SHIPPED, max(1, options.jobs // 2)):
        if code not in (0, 3):
            tally.add(os.path.basename(scenario), f"code {code} of a whole run")
        elif seconds > 0.15:
            base.append((scenario, seconds, wanted))
    base.sort()
    sums, dice, done, seed = dict(nothing=0, checkpoint=0, late=0), random.Random(options.seed), 0, options.seed
    while done < moments:
        tasks = [(*base[dice.randrange(len(base))], seed + k) for k in range(max(options.jobs, moments // 4))]
        seed += len(tasks)
        for found in spread(killed, tasks, max(1, options.jobs // 2)):
            for kind in sums:
                sums[kind] += found[kind]
            tally.add("compared, the same bits", f"{found['name']} {found['differ'][:4]}" if found["differ"] else None)
        done = sums["nothing"] + sums["checkpoint"]
    return tally.close(f"; {done} moments in {len(base)} scenarios: {sums['checkpoint']} with a checkpoint, {sums['nothing']} before the first, "
                       f"{sums['late']} signals after the end")


# ---- filesize

SMALL = """
name = "small"
engines = ["fokker-planck"]
model = { kind = "formula", variables = ["x"], loss = "x^2/2" }
noise = { kind = "isotropic" }
dynamics = { temperature = 0.5 }
grid = { axes = [{ from = -4, to = 4, cells = 64 }] }
initial = { kind = "gaussian", mean = [0.0], std = [0.5] }
time = { end = 1.0, outputs = 8 }
"""


def full(task):
    limit, ignored, old = task

    def bounded():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN if ignored else signal.SIG_DFL)

    with tempfile.TemporaryDirectory() as folder:
        write(folder, "small.toml", SMALL)
        write(folder, "small.h5", old)
        # what it says goes through a pipe: the limit is for files
        child = subprocess.Popen([PROGRAM, "scenario", "small.toml", "-q", "-f"], cwd=folder, preexec_fn=bounded,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = child.communicate(timeout=WAIT)[0].decode()
        same = read(folder, "small.h5") == old
        valid = same or run(["show", "small.h5"], folder).code == 0
        left = [name for name in os.listdir(folder) if name not in ("small.toml", "small.h5")]
        code = child.returncode
    kind = f"code {code} {'ignored' if ignored else 'default'} with the {'old' if same else 'new'} record"
    wrong = None if valid and (code, same) in ((0, False), (1, True)) and (code == 0 or said.strip()) else f"wrong ({said[:100]})"
    return kind, wrong or (f"left {left}" if left else None)


def filesize(options):
    dice, tally = random.Random(options.seed), Tally("filesize")
    with tempfile.TemporaryDirectory() as folder:
        write(folder, "small.toml", SMALL)
        run(["scenario", "small.toml", "-q"], folder)
        old = read(folder, "small.h5")
    tasks = [(dice.randrange(int(1.2 * len(old))), k % 2, old) for k in range(options.count(1000))]
    for kind, wrong in spread(full, tasks, options.jobs):
        tally.add(kind, wrong)
    return tally.close()


# ---- interruption

def interrupted(task):
    """The slowest reaction of a scenario and what became of its records."""
    scenario, moments, seed = task
    dice, kinds, slowest = random.Random(seed), [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        seconds = run(["scenario", scenario, "-q", "-o", "r.h5", "--threads", "2"], folder, wait=1800).wall
        for k in range(moments):
            with tempfile.TemporaryFile() as said:
                command = [PROGRAM, "scenario", scenario, "-q", "-f", "-o", "r.h5", "--threads", "2"]
                if os.path.exists(os.path.join(folder, "r.h5")):
                    os.remove(os.path.join(folder, "r.h5"))
                child = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said)
                # one moment of its own in each part of the run, from its first milliseconds on
                moment = max(0.03, (k + dice.random()) / moments * min(seconds, 60.0))
                time.sleep(moment)
                sent = time.time()
                os.kill(child.pid, dice.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP]))  # send_signal would wait for a child that has ended, and take its status
                ended = finish(child, said, sent, 60)
            there = os.path.exists(os.path.join(folder, "r.h5"))
            valid = there and run(["show", "r.h5", "--summary"], folder).code == 0
            if ended.code == 130 and valid:
                slowest = max(slowest, ended.wall)
                kinds.append(("interrupted with a valid record", None))
            elif ended.code in (0, 3) and valid:
                kinds.append(("finished before", None))
            elif moment < 0.1 and not there and -ended.code in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                kinds.append(("ended before it listened", None))
            elif ended.code == 130 and not there and moment < 0.1:
                kinds.append(("ended before it began", None))
            else:
                kinds.append((f"{os.path.basename(scenario)} at {moment:.2f} s: {ended.said[:200]}", f"code {ended.code}, record {there}, {valid}"))
    return os.path.basename(scenario), seconds, slowest, kinds


def interruption(options):
    tally, worst = Tally("interruption"), (0.0, "")
    tasks = [(scenario, options.count(20), options.seed + k) for k, scenario in enumerate(SHIPPED)]
    for name, seconds, slowest, kinds in spread(interrupted, tasks, max(1, options.jobs // 2)):
        for kind, wrong in kinds:
            tally.add(kind, wrong)
        if slowest > 1.0:
            tally.add(name, f"slow: {slowest:.2f} s")
        worst = max(worst, (slowest, name))
        print(f"  {name:32} whole {seconds:6.2f} s, slowest reaction {slowest:5.2f} s", flush=True)
    return tally.close(f"; slowest reaction {worst[0]:.2f} s ({worst[1]})")


# ---- mutants

VALUES = ["-1", "0", "1", "3", "1e308", "-0.0", "nan", "inf", "1e-320", "99999999999999999999", '""', '"x"', '"w"', "true", "[]", "{}", "[[]]",
          '[1, "a"]', '{ kind = "formula" }', "2024-01-01", '"\u00e9\U0001F600"', "0x7fffffffffffffff", '"x^"', "'''a\nb'''", "1e-12", "1e300", "1e9"]
LETTERS = ["x", '"', "[", "}", "=", "-", "9", "\\", "\u00fc", ".", "\x00", "\x1b[2J", "\u202e"]


def mutated_text(text, dice):
    lines = text.splitlines()
    for _ in range(dice.randint(1, 4)):
        if not lines:
            break
        at, way = dice.randrange(len(lines)), dice.randrange(9)
        if way == 0:
            del lines[at]
        elif way == 1:
            lines.insert(dice.randrange(len(lines)), lines[at])
        elif way == 2:
            lines[at:] = [] if dice.randrange(4) == 0 else lines[at:]
        elif way in (3, 4):
            lines[at] = re.sub(r"=.*", lambda _: "= " + dice.choice(VALUES), lines[at], count=1)
        elif way in (5, 6):
            places = list(re.finditer(r"[\w.\-]+", lines[at]))
            if places:
                place = dice.choice(places)
                lines[at] = lines[at][:place.start()] + dice.choice(VALUES) + lines[at][place.end():]
        else:
            place = dice.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:place] + (dice.choice(LETTERS) if way == 7 else "") + lines[at][place + (way == 8):]
    return "\n".join(lines) + "\n"


def mutated_bytes(whole, dice):
    """Bytes, words and blocks: changed, exchanged, repeated, cut."""
    content = bytearray(whole)
    for _ in range(dice.randint(1, 6)):
        if len(content) < 32:
            break
        at, way = dice.randrange(len(content)), dice.randrange(8)
        word = at // 8 * 8
        other = dice.randrange(len(content)) // 8 * 8
        if way < 3:
            content[at] = dice.randrange(256)
        elif way == 3:
            content[at] ^= 1 << dice.randrange(8)
        elif way == 4:
            content[word:word + 8] = dice.choice([b"\xff" * 8, b"\0" * 8, other.to_bytes(8, "little"), (1 << dice.randrange(64)).to_bytes(8, "little")])
        elif way == 5:
            content[word:word + 8], content[other:other + 8] = content[other:other + 8], content[word:word + 8]
        elif way == 6:
            length = dice.choice([16, 64, 512])
            content[word:word + length] = content[other:other + length]
        elif dice.randrange(4) == 0:
            del content[at:]
    return bytes(content)


LIMIT = 1024 * MIB


def scenario_mutant(task):
    text, seed, k = task
    dice = random.Random(seed)
    mutant = mutated_text(text, dice)
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(os.path.join(HOME, "scenarios", "data"), os.path.join(folder, "data"))
        write(folder, "m.toml", mutant)
        limits = ["--memory-limit", "1GiB", "--time-limit", "2 s", "--data-folder", os.path.join(HOME, "scenarios", "data")]
        if k % 2:
            ended = run(["scenario", "m.toml", "-q", "-f", "-o", "r.h5", "--threads", "1", *limits], folder, cpu=HANG)
        else:
            ended = run(["check", "m.toml", *limits], folder, cpu=HANG)
        wrong = ended.wrong((0, 1, 2, 3, 4, 130))
        if not wrong and ended.peak > LIMIT:
            wrong = "more memory than allowed"
        if not wrong and ended.code and len(ended.said) > 6000:
            wrong = "a message without end"
    kind = f"code {ended.code} of {'scenario' if k % 2 else 'check'}"
    return kind if not wrong else keep(mutant, f"m{seed}.toml", f"{kind} {ended.cpu:.1f} s: {ended.said[-200:]}"), wrong, ended.peak, ended.cpu


def keep(content, name, words):
    """Keeps a mutant that went wrong."""
    folder = os.path.join(tempfile.gettempdir(), "fpsolve-wrong")
    os.makedirs(folder, exist_ok=True)
    write(folder, name, content)
    return f"{os.path.join(folder, name)}: {words}"


def bases():
    """The shipped scenarios, and those of the test of mutants, which have every key."""
    tests = read(HOME, "tests", "mutated_scenarios.rs").decode()
    return re.findall(r'r#"(.*?)"#', tests, flags=re.S) + [read(path).decode() for path in SHIPPED]


def all_mutants(name, work, tasks, options):
    tally, peak, cpu = Tally(name), 0, 0.0
    for kind, wrong, most, seconds in spread(work, tasks, options.jobs):
        tally.add(kind, wrong)
        peak, cpu = max(peak, most), max(cpu, seconds)
    return tally.close(f"; largest peak {peak / MIB:.0f} MiB, longest {cpu:.1f} s of computing")


def scenarios(options):
    texts = bases()
    tasks = [(texts[k // 2 % len(texts)], options.seed * 10**6 + k, k) for k in range(options.count(10_000))]
    return all_mutants("scenarios", scenario_mutant, tasks, options)


def formula_mutants(task):
    program, count, seed = task
    more = {**os.environ, "FPSOLVE_MUTANTS": str(count), "FPSOLVE_SEED": str(seed)}
    command = [program, "--exact", "mutated_formulas_are_evaluated_or_refused", "--nocapture"]
    return subprocess.run(command, cwd=HOME, env=more, capture_output=True, text=True)


def formulas(options):
    built = glob.glob(os.path.join(HOME, "target/release/deps/mutated_inputs-*"))
    found = sorted((path for path in built if not path.endswith(".d")), key=os.path.getmtime)
    program = os.path.abspath(options.formulas) if options.formulas else found[-1] if found else None
    if not program:
        print("formulas: not run: build it with `cargo test --release --test mutated_inputs --no-run`, or name it with --formulas")
        return False
    tally, count = Tally("formulas"), options.count(100_000) // options.jobs
    for ended in spread(formula_mutants, [(program, count, 1 + k) for k in range(options.jobs)], options.jobs):
        said = re.search(r"(\d+) of (\d+) accepted", ended.stdout)
        good = ended.returncode == 0 and said
        tally.add(f"batches, the last of them with {said.group(0)}" if good else ended.stderr[-300:], None if good else f"code {ended.returncode}")
    return tally.close(f"; {count * options.jobs} formulas")


DATA = """
engines = ["fokker-planck"]
model = { kind = "sample-loss", variables = ["w"], sample_loss = "(v - w*u)^2", data = { file = "%s", columns = %s } }
dynamics = { learning_rate = 0.1, batch_size = 1 }
grid = { axes = [{ from = -2, to = 2, cells = 8 }] }
initial = { kind = "gaussian", mean = [0.0], std = [0.5] }
time = { end = 1.0, outputs = 2 }
"""
PIECES = [b"(", b"1e308", b"-", b",", b"\n", b'"', b"nan", b"\xff\xff\xff\xff", b"\0", b"\x1b[2J", b"99999999999999999999", b"'shape': (1099511627776, 2)", b";"]


def data_mutant(task):
    name, seed = task
    dice, content = random.Random(seed), bytearray(read(name))
    ending = os.path.splitext(name)[1][1:] or "csv"
    for _ in range(dice.randint(0, 4)):
        at = dice.randrange(len(content) + 1)
        if dice.randrange(2):
            content[at:at + dice.randrange(4)] = dice.choice(PIECES)
        else:
            content = bytearray(mutated_bytes(content, dice))
    columns = '{ u = "run/u", v = "run/v" }' if ending == "h5" else "{ u = 0, v = 1 }"
    with tempfile.TemporaryDirectory() as folder:
        write(folder, f"d.{ending}", bytes(content))
        write(folder, "s.toml", DATA % (f"d.{ending}", columns))
        ended = run(["check", "s.toml", "--memory-limit", "1GiB"], folder, cpu=HANG)
    wrong = ended.wrong((0, 1, 2, 4))
    if not wrong and ended.peak > 200 * MIB + 2 * len(content):
        wrong = "too much memory"
    kind = f"{ending} {'read' if ended.code == 0 else 'refused'}"
    return kind if not wrong else keep(bytes(content), f"d{seed}.{ending}", ended.said[-200:]), wrong, ended.peak, ended.cpu


def data(options):
    files = sorted(path for kind in ("csv", "npy", "record") for path in glob.glob(os.path.join(HOME, "fuzz/corpus", kind, "*")))
    tasks = [(files[k % len(files)], options.seed * 10**6 + k) for k in range(options.count(2000))]
    return all_mutants("data", data_mutant, tasks, options)


COMMANDS = {
    "show": ["show", "r.h5"],
    "summary": ["show", "r.h5", "--summary"],
    "plot": ["plot", "r.h5", "-o", "figures"],
    "report": ["report", "r.h5", "-o", "r.html"],
    "resume": ["resume", "r.h5", "-o", "w.h5", "-q", "--threads", "1", "--time-limit", "60 s"],
}


def record_mutant(task):
    """A mutant, or the record itself (seed None), through one command."""
    content, command, seed, usual = task
    mutant = content if seed is None else mutated_bytes(content, random.Random(seed))
    with tempfile.TemporaryDirectory() as folder:
        write(folder, "r.h5", mutant)
        ended = run(COMMANDS[command], folder, cpu=None if command == "resume" else HANG)
    wrong = ended.wrong((0, 1, 2, 3, 4, 130))
    if seed is not None and not wrong and ended.peak > usual + 2 * len(mutant) + 32 * MIB:
        wrong = f"{ended.peak / MIB:.0f} MiB"
    kind = f"{command} {'done' if ended.code in (0, 3, 130) else 'refused'}"
    return kind if not wrong else keep(mutant, f"r{seed}.h5", f"{command}: {ended.said[-200:]}"), wrong, ended.peak, ended.cpu


def some_records():
    """A record of each kind: one and two variables, walkers, analyses, interrupted ones with a checkpoint."""
    texts = {
        "small": SMALL,
        "well": SMALL.replace("x^2/2", "(x^2 - 1)^2/4").replace('"fokker-planck"', '"fokker-planck", "langevin"')
        + 'langevin = { walkers = 2000, step = 0.01, trajectories = 3 }\nanalysis = { eigenpairs = 3, first_passage = [{ name = "over", from = [-1.0], '
        'target = "x > 0.5", walkers = 100, horizon = 20.0 }] }\n',
        "long": SMALL.replace('"fokker-planck"', '"fokker-planck", "langevin"') + "langevin = { walkers = 3000, step = 1e-5 }\n",
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            write(folder, f"{name}.toml", text)
            limit = ["--time-limit", "1000 s", "--threads", "1"]
            command = [PROGRAM, "scenario", f"{name}.toml", "-q", "-o", f"{name}.h5", *limit]
            child = subprocess.Popen(command, cwd=folder)
            if name == "long":
                time.sleep(0.7)
                child.send_signal(signal.SIGINT)
            code = child.wait(timeout=WAIT)
            if code != (130 if name == "long" else 0):
                sys.exit(f"records: the record {name} to be mutated was not made: exit code {code}")
            yield read(folder, f"{name}.h5")


def records(options):
    whole, dice = list(some_records()), random.Random(options.seed)
    usual = {}
    for content in whole:
        for command in COMMANDS:
            kind, wrong, peak, _ = record_mutant((content, command, None, 0))
            if wrong or "done" not in kind:
                print(f"records: the whole record is not read: {kind}")
                return False
            usual[command] = max(usual.get(command, 0), peak)
    names = list(COMMANDS)
    tasks = []
    for k in range(options.count(2000)):
        content, command = whole[k % len(whole)], names[k // len(whole) % len(names)]
        tasks.append((content, command, options.seed * 10**6 + k, usual[command]))
    dice.shuffle(tasks)
    peaks = ", ".join(f"{command} {peak / MIB:.0f}" for command, peak in usual.items())
    print(f"  peaks of the whole records, MiB: {peaks}; their sizes, KiB: {[len(content) // 1024 for content in whole]}", flush=True)
    return all_mutants("records", record_mutant, tasks, options)


# ---- memory

def tensor(d):
    entry = lambda i, j: '"1 + x^2/8"' if i == j else '"0.1"'
    return "[" + ", ".join("[" + ", ".join(entry(i, j) for j in range(d)) + "]" for i in range(d)) + "]"


def sizes():
    """Some fifty problems of many kinds: name, text."""
    for d, cells in [(1, 100), (1, 1000), (1, 5000), (2, 40), (2, 100), (2, 200), (2, 300), (3, 12), (3, 24)]:
        names = ["x", "y", "z"][:d]
        axes = ", ".join("{ from = -2.5, to = 2.5, cells = %d }" % cells for _ in names)
        loss = " + ".join(["(x^2 - 1)^2/4"] + [f"{name}^2/2" for name in names[1:]])
        for noise in ['{ kind = "isotropic" }', '{ kind = "formula", diffusion = %s }' % tensor(d)]:
            for engines, more in [
                ('"fokker-planck"', "time = { end = 1.0, outputs = 5 }"),
                ('"langevin"', "time = { end = 0.2, outputs = 3 }\nlangevin = { walkers = 400000, step = 0.1 }"),
                ('"fokker-planck", "langevin"', "time = { end = 0.2, outputs = 20 }\nlangevin = { walkers = 100000, step = 0.1 }"),
            ]:
                text = f"""
engines = [{engines}]
model = {{ kind = "formula", variables = {str(names).replace("'", '"')}, loss = "{loss}" }}
noise = {noise}
dynamics = {{ temperature = 0.3 }}
grid = {{ axes = [{axes}] }}
initial = {{ kind = "gaussian", mean = {[-1.0] + [0.0] * (d - 1)}, std = {[0.4] * d} }}
{more}
"""
                yield f"{cells}^{d} {noise[10:17]} {engines}", text
    for walkers, samples, replacement in [(1000, 1000, "true"), (200000, 100, '"epoch"'), (3000000, 10, "true"), (1000, 20000, '"epoch"'),
                                          (50000, 500, "false")]:
        yield f"sgd: {walkers} walkers, {samples} samples, replacement {replacement}", f"""
engines = ["sgd"]
model = {{ kind = "sample-loss", variables = ["w"], sample_loss = "(y - w*x)^2", data = {{ teacher = {{ inputs = {{ from = -1, to = 1, samples = {samples} }}, function = "x", noise_std = 0.1 }} }} }}
dynamics = {{ learning_rate = 0.1, batch_size = 5, replacement = {replacement} }}
grid = {{ axes = [{{ from = -2, to = 2, cells = 100 }}] }}
initial = {{ kind = "gaussian", mean = [0.0], std = [0.5] }}
time = {{ end = 1.0, outputs = 4 }}
sgd = {{ walkers = {walkers} }}
"""
    yield "langevin: 3000000 walkers", SMALL.replace("fokker-planck", "langevin") + "langevin = { walkers = 3000000, step = 0.1 }"


def peak(task):
    name, text = task
    with tempfile.TemporaryDirectory() as folder:
        write(folder, "s.toml", text)
        said = run(["check", "s.toml", "--time-limit", "1 d"], folder).said
        found = re.search(r"\nMemory.*?together +([\d.]+) (\w+)", said, flags=re.S)
        if not found:
            return name, "not estimated", said[:300], 0.0, 0.0
        estimate = float(found.group(1)) * {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}[found.group(2)]
        # the estimate is printed rounded
        limit = int(estimate * 1.01)
        ended = run(["scenario", "s.toml", "-q", "-o", "r.h5", "--memory-limit", str(limit), "--threads", "2"], folder, wait=1800)
    wrong = f"code {ended.code}" if ended.code not in (0, 3) else "over the limit" if ended.peak > limit else None
    return name, wrong, ended.said[:200], ended.peak, estimate


def memory(options):
    tally, ratios = Tally("memory"), []
    for name, wrong, said, most, estimate in spread(peak, list(sizes()), max(1, options.jobs // 2)):
        print(f"  {name:60} peak {most / MIB:7.1f} MiB, estimate {estimate / MIB:7.1f} MiB {wrong or ''}", flush=True)
        tally.add("within the limit" if not wrong else f"{name} {said}", wrong)
        if most:
            ratios.append(estimate / most)
    return tally.close(f"; estimate/peak from {min(ratios):.2f} to {max(ratios):.2f}")


def cube(options):
    tally = Tally("cube")
    axis = "{ from = -2, to = 2, cells = 1000 }"
    text = SMALL.replace('["x"]', '["x", "y", "z"]').replace("x^2/2", "x^2 + y^2 + z^2").replace("[0.0]", "[0.0, 0.0, 0.0]").replace("[0.5]", "[0.5, 0.5, 0.5]")
    text = re.sub(r"axes = \[.*\] }", f"axes = [{axis}, {axis}, {axis}] }}", text)
    with tempfile.TemporaryDirectory() as folder:
        write(folder, "c.toml", text)
        for command in (["check", "c.toml"], ["scenario", "c.toml"]):
            ended = run(command, folder)
            good = ended.code == 4 and ended.wall < 1 and ended.peak < 100 * MIB
            tally.add(f"refused in {ended.wall:.2f} s with {ended.peak / MIB:.0f} MiB", None if good else f"code {ended.code}")
    return tally.close()


# ---- time

def seconds(words):
    number, unit = words.split()
    return float(number) * UNITS.get(unit, 3e7)


def estimates(options):
    tally, ratios = Tally("time"), []
    for scenario in SHIPPED:
        with tempfile.TemporaryDirectory() as folder:
            checked = run(["check", scenario, "--time-limit", "9 d"], folder)
            said = checked.said.split("\nTime")[1]
            expected = seconds(re.search(r"together +([\d.e-]+ \w+)", said).group(1))
            real = run(["scenario", scenario, "-q", "-o", "r.h5", "--time-limit", "9 d"], folder, wait=3600).wall
        ratio = expected / real
        ratios.append(ratio)
        # less than a quarter of a second is nobody's worry
        good = 0.5 <= ratio <= 2 or abs(expected - real) < 0.25
        tally.add("within a factor of 2" if good else os.path.basename(scenario), None if good else f"{ratio:.2f}")
        print(f"  {os.path.basename(scenario):32} expected {expected:8.2f} s, real {real:8.2f} s, ratio {ratio:.2f}; "
              f"check took {checked.wall:.2f} s", flush=True)
    return tally.close()


YARDSTICKS = {"cube": cube, "filesize": filesize, "formulas": formulas, "data": data, "records": records, "scenarios": scenarios,
              "memory": memory, "kill": kill, "interruption": interruption, "time": estimates}


def main():
    global PROGRAM
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("yardsticks", nargs="*", choices=[[], *YARDSTICKS])
    parser.add_argument("--program", default=os.environ.get("FPSOLVE", os.path.join(HOME, "target/release/fpsolve")))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--formulas")
    parser.add_argument("--seed", type=int, default=13)
    options = parser.parse_args()
    options.count = lambda usual: max(1, round(usual * options.scale))
    PROGRAM = os.path.abspath(options.program)
    names = options.yardsticks or [name for name in YARDSTICKS if name != "time"]
    wrong = [name for name in names if not YARDSTICKS[name](options)]
    print(f"wrong: {', '.join(wrong)}" if wrong else f"all good: {', '.join(names)}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
