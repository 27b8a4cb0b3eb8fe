"""PyTorch's side of a comparison, in the fastest formulation found for each workload.

usage: /usr/bin/python3 pytorch.py WORKLOAD [--threads N] [--runs R] [--serve] [--blas]

Prints one line of JSON with the same fields as `npm run -s bench -- WORKLOAD --json`. With --serve, makes a timed run for
each line of standard input (see bench/serve.ts). With --blas, says instead how fast its matrix product is: Debian's
python3-torch falls back to the reference BLAS, tens of times slower, unless libopenblas0-pthread is there.

For its best set ATEN_CPU_CAPABILITY=avx512 MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=-1 MALLOC_TOP_PAD_=67108864, as
bench/peers/main.ts does, and pin as many cores as there are threads. Of several formulations (memory formats), the one
with the least median in the warm-up is measured.
"""
import argparse
import json
import math
import resource
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

LEAST_RUN_S = 0.02
BUDGET_S = 20.0


class Step:
    """What is timed: `run` makes a step and gives a scalar tensor; `flops` of its products, None where they do not count."""

    def __init__(self, run, batch=None, flops=None):
        self.run, self.batch, self.flops = run, batch, flops


def training(model, optimizer, loss, x, y):
    def run():
        optimizer.zero_grad(set_to_none=True)
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        return value

    return Step(run, batch=x.size(0))


def sigmoid_network(sizes):
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [nn.Linear(inputs, outputs), nn.Sigmoid()]
    return nn.Sequential(*layers)


def dense(name):
    auto = name == "mnist-autoencoder"
    model = sigmoid_network([784, 64, 784] if auto else [784, 16, 16, 10])
    x = torch.rand(1000, 784)
    y = x if auto else F.one_hot(torch.randint(0, 10, (1000,)), 10).float()
    return [training(model, torch.optim.SGD(model.parameters(), lr=10, momentum=0.5), nn.MSELoss(), x, y)]


FORMATS = (torch.contiguous_format, torch.channels_last)


def fashion_conv(_):
    def step(layout):
        model = nn.Sequential(nn.Conv2d(1, 16, 5, padding=2), nn.Tanh(), nn.Flatten(), nn.Linear(12544, 10))
        model = model.to(memory_format=layout)
        x = torch.randn(60, 1, 28, 28).contiguous(memory_format=layout)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        return training(model, optimizer, nn.CrossEntropyLoss(), x, torch.randint(0, 10, (60,)))

    return [step(layout) for layout in FORMATS]


def relu():
    return nn.ReLU(inplace=True)


def regular_conv_net():
    def conv(inputs, outputs):
        return nn.Conv2d(inputs, outputs, 3, padding=1)

    return nn.Sequential(
        conv(3, 32), nn.BatchNorm2d(32), relu(), conv(32, 64), relu(), nn.MaxPool2d(2),
        conv(64, 128), nn.BatchNorm2d(128), relu(), conv(128, 128), relu(), nn.MaxPool2d(2), nn.Dropout2d(0.05),
        conv(128, 256), nn.BatchNorm2d(256), relu(), conv(256, 256), relu(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.1), nn.Linear(4096, 1024), relu(), nn.Linear(1024, 512), relu(),
        nn.Dropout(0.1), nn.Linear(512, 10),
    )  # fmt: skip


class Local(nn.Module):
    """Locally connected with compact weights: unfold, then one batched product for all positions."""

    def __init__(self, channels, height, width, outputs, kernel):
        super().__init__()
        self.kernel, self.outputs = kernel, outputs
        self.height, self.width = height - kernel + 1, width - kernel + 1
        fan = channels * kernel * kernel
        places = self.height * self.width
        self.weight = nn.Parameter(torch.empty(places, fan, outputs).uniform_(-1, 1) * math.sqrt(6 / fan))
        self.bias = nn.Parameter(torch.zeros(places, 1, outputs))

    def forward(self, x):
        windows = F.unfold(x, self.kernel).permute(2, 0, 1)
        z = torch.baddbmm(self.bias, windows, self.weight)
        return z.permute(1, 2, 0).reshape(x.size(0), self.outputs, self.height, self.width)


def spatial_dense_net():
    return nn.Sequential(
        Local(3, 32, 32, 10, 3), nn.BatchNorm2d(10), relu(), Local(10, 30, 30, 20, 3), relu(), nn.MaxPool2d(2),
        Local(20, 14, 14, 32, 3), nn.BatchNorm2d(32), relu(), Local(32, 12, 12, 64, 3), relu(), nn.MaxPool2d(2),
        nn.Dropout2d(0.05), Local(64, 5, 5, 128, 2), nn.BatchNorm2d(128), relu(), Local(128, 4, 4, 256, 2), relu(),
        nn.Flatten(), nn.Dropout(0.1), nn.Linear(2304, 512), relu(), nn.Dropout(0.1), nn.Linear(512, 10),
    )  # fmt: skip


def cifar(name):
    def step(make, layout):
        model = make().to(memory_format=layout)
        x = torch.randn(64, 3, 32, 32).contiguous(memory_format=layout)
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-4)
        return training(model, optimizer, nn.CrossEntropyLoss(), x, torch.randint(0, 10, (64,)))

    if name == "cifar-spatial":
        return [step(spatial_dense_net, torch.contiguous_format)]
    return [step(regular_conv_net, layout) for layout in FORMATS]


class Grid(nn.Module):
    """A neural grid by shifted sums, which is faster than unfolding."""

    def __init__(self, height, layers):
        super().__init__()
        self.first, self.last = nn.Linear(784, height), nn.Linear(height, 10)
        self.weights = nn.ParameterList([nn.Parameter(torch.empty(height).uniform_(-1, 1)) for _ in range(layers)])
        self.biases = nn.ParameterList([nn.Parameter(torch.zeros(height)) for _ in range(layers)])

    def forward(self, x):
        x = self.first(x)
        for weight, bias in zip(self.weights, self.biases):
            seen = F.pad(x * weight, (1, 1))
            x = torch.sin(seen[:, :-2] + seen[:, 1:-1] + seen[:, 2:] + bias)
        return self.last(x)


def grid(name):
    _, height, batch = name.split("-")
    model = Grid(int(height), 128)
    x, y = torch.randn(int(batch[1:]), 784), torch.randint(0, 10, (int(batch[1:]),))
    return [training(model, torch.optim.Adam(model.parameters(), lr=1e-4), nn.CrossEntropyLoss(), x, y)]


def attention(_):
    model = nn.MultiheadAttention(256, 8, batch_first=True)
    x, y = torch.randn(8, 128, 256), torch.randn(8, 128, 256)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    return [training(lambda x: model(x, x, x, need_weights=False)[0], optimizer, F.mse_loss, x, y)]


def lstm(_):
    over, last = nn.LSTM(28, 128, batch_first=True), nn.Linear(128, 10)
    optimizer = torch.optim.Adam([*over.parameters(), *last.parameters()], lr=1e-3)
    x, y = torch.randn(64, 28, 28), torch.randint(0, 10, (64,))
    return [training(lambda x: last(over(x)[0][:, -1]), optimizer, nn.CrossEntropyLoss(), x, y)]


def matmul(name):
    if name == "matmul-skinny":
        m, k, n = 1000, 784, 16
    else:
        m = k = n = int(name.split("-")[1])
    a, b, out = torch.randn(m, k), torch.randn(k, n), torch.empty(m, n)

    def run():
        torch.mm(a, b, out=out)
        return out[0, 0]

    return [Step(run, flops=2 * m * k * n)]


def convolution(name):
    backward = name == "conv3x3-backward"

    def step(layout):
        layer = nn.Conv2d(64, 64, 3, padding=1).to(memory_format=layout)
        x = torch.randn(64, 64, 32, 32).contiguous(memory_format=layout).requires_grad_(backward)
        adjoint = torch.randn(64, 64, 32, 32).contiguous(memory_format=layout)

        def run():
            if not backward:
                with torch.no_grad():
                    return layer(x)[0, 0, 0, 0]
            x.grad = None
            layer.zero_grad(set_to_none=True)
            z = layer(x)
            z.backward(adjoint)
            return z.detach()[0, 0, 0, 0]

        flops = 2 * 64 * 32 * 32 * 64 * 64 * 9
        return Step(run, batch=64, flops=3 * flops if backward else flops)

    return [step(layout) for layout in FORMATS]


def tanh_chain(_):
    x = torch.randn(10_000_000)
    out = torch.empty_like(x)

    def run():
        torch.mul(x, 1.5, out=out)
        out.add_(0.5).tanh_().mul_(2.0)
        return out[0]

    return [Step(run)]


def softmax(_):
    x = torch.randn(4096, 1000)
    out = torch.empty_like(x)

    def run():
        torch.softmax(x, 1, out=out)
        return out[0, 0]

    return [Step(run)]


def adam(_):
    parameter = nn.Parameter(torch.zeros(10_000_000))
    parameter.grad = torch.randn(10_000_000)
    optimizers = [torch.optim.Adam([parameter], lr=1e-3, foreach=foreach) for foreach in (False, True)]

    def step(optimizer):
        def run():
            optimizer.step()
            return parameter.detach()[0]

        return Step(run)

    return [step(optimizer) for optimizer in optimizers]


def steps_for(name):
    exact = {
        "mnist-mlp": dense, "mnist-autoencoder": dense, "fashion-conv": fashion_conv, "cifar-conv": cifar,
        "cifar-spatial": cifar, "attention": attention, "lstm": lstm, "conv3x3": convolution,
        "conv3x3-backward": convolution, "tanh-chain": tanh_chain, "softmax": softmax, "adam": adam,
    }  # fmt: skip
    if name in exact:
        return exact[name](name)
    for prefix, make in (("grid-", grid), ("matmul-", matmul)):
        if name.startswith(prefix):
            return make(name)
    print(json.dumps({"cannot": f"PyTorch's script has no workload {name}"}))
    sys.exit(0)


def timed(run, count):
    cpu_began, began = time.process_time(), time.perf_counter()
    for _ in range(count):
        scalar = run()
    loss = scalar.item()
    return (time.perf_counter() - began) / count, (time.process_time() - cpu_began) / count, loss


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def chosen(steps):
    """The fastest of the formulations, and how many steps make a run long enough for the clock."""
    best = None
    for step in steps:
        seconds = []
        while len(seconds) < 5 and sum(seconds) < BUDGET_S / 4:
            seconds.append(timed(step.run, 1)[0])
        median = statistics.median(seconds[1:] or seconds)
        if best is None or median < best[0]:
            best = median, step
    return best[1], max(1, math.ceil(LEAST_RUN_S / best[0]))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("workload", nargs="?")
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--runs", type=int, default=9)
    arguments.add_argument("--serve", action="store_true")
    arguments.add_argument("--blas", action="store_true")
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(1)
    if given.blas:
        step, count = chosen(matmul("matmul-512"))
        gflops = step.flops / min(timed(step.run, count)[0] for _ in range(3)) / 1e9
        print(json.dumps({"matmulGflops": gflops, "torch": torch.__version__}))
        return
    step, count = chosen(steps_for(given.workload))
    times, cpu_times, loss = [], [], math.nan

    def report():
        median = statistics.median(times)
        return {
            "peer": "pytorch", "workload": given.workload, "device": "cpu", "threads": given.threads,
            "batch": step.batch, "stepMs": spread(times), "cpuMs": spread(cpu_times),
            "runs": len(times), "compileMs": None,
            "peakRssMb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "gflops": step.flops / median / 1e6 if step.flops else None, "loss": loss,
        }  # fmt: skip

    if given.serve:
        print(json.dumps({"ready": True}), flush=True)
        for line in sys.stdin:
            if line.strip() == "end":
                print(json.dumps(report()), flush=True)
                return
            seconds, cpu_seconds, loss = timed(step.run, count)
            if seconds < 0.1:  # Others had the caches since the last run.
                seconds, cpu_seconds, loss = timed(step.run, count)
            times.append(seconds * 1e3)
            cpu_times.append(cpu_seconds * 1e3)
            print(json.dumps({"stepMs": times[-1]}), flush=True)
        return
    began = time.perf_counter()
    while len(times) < given.runs and (not times or time.perf_counter() - began < BUDGET_S):
        seconds, cpu_seconds, loss = timed(step.run, count)
        times.append(seconds * 1e3)
        cpu_times.append(cpu_seconds * 1e3)
    print(json.dumps(report()))


main()
