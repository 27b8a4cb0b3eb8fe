#!/usr/bin/python3
"""Writes test/goldens/*.json: what PyTorch computes, in float64, for the tests to compare with.

A case has inputs, attributes, outputs, a random cotangent an output, and the gradients of sum(output * cotangent), added up
over the outputs, with respect to every float input. Each case draws its numbers from a seed made of its own name, so that
a new case changes no other; inputs have three decimals, which keeps the files small.

    /usr/bin/python3 scripts/goldens.py            (Debian: python3-torch)
"""
import json
import math
import os
import zlib

import torch
import torch.nn.functional as F
from torch import nn

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'test', 'goldens')


# Cases


class Case:
    """The inputs of one case as they are drawn; `finish` runs the computation and keeps what came out."""

    def __init__(self, topic, name, op, **attributes):
        self.name, self.op, self.attributes = name, op, attributes
        self.inputs, self.outputs, self.gradients = {}, {}, {}
        self.random = torch.Generator().manual_seed(zlib.crc32(f'{topic.name}/{name}'.encode()))
        topic.cases.append(self)

    def normal(self, name, *shape, scale=1.0, offset=0.0):
        """Normal numbers of three decimals."""
        return self.given(name, rounded(torch.randn(shape, generator=self.random) * scale + offset))

    def distinct(self, name, *shape):
        """Numbers no two of which are equal, in random order: what has a maximum has one."""
        count = math.prod(shape)
        order = torch.randperm(count, generator=self.random).reshape(shape)
        return self.given(name, rounded((order - count / 2 + 0.25) * 4 / count))

    def integers(self, name, below, *shape):
        return self.given(name, torch.randint(0, below, shape, generator=self.random))

    def given(self, name, values, constant=False):
        values = values.clone().detach()
        self.inputs[name] = values.requires_grad_(values.is_floating_point() and not constant)
        return values

    def finish(self, **outputs):
        total = 0
        for name, value in outputs.items():
            self.outputs[name] = {'value': value.detach()}
            if value.requires_grad:
                cotangent = rounded(torch.randn(value.shape, generator=self.random))
                self.outputs[name]['cotangent'] = cotangent
                total = total + (value * cotangent).sum()
        variables = {name: x for name, x in self.inputs.items() if x.requires_grad}
        if isinstance(total, torch.Tensor):
            self.gradients = dict(zip(variables, torch.autograd.grad(total, list(variables.values()))))


rounded = lambda x: (x * 1000).round() / 1000


class Topic:
    def __init__(self, name):
        self.name, self.cases = name, []

    def case(self, name, op, **attributes):
        return Case(self, name, op, **attributes)

    def write(self):
        names = [case.name for case in self.cases]
        assert len(set(names)) == len(names), [name for name in names if names.count(name) > 1]
        cases = ',\n'.join(case_text(case) for case in self.cases)
        text = f'{{"source":"PyTorch {torch.__version__}, float64, scripts/goldens.py","cases":[\n{cases}\n]}}\n'
        json.loads(text)
        with open(os.path.join(folder, f'{self.name}.json'), 'w') as file:
            file.write(text)
        print(f'{self.name}: {len(self.cases)} cases, {len(text)} bytes')


def case_text(case):
    """One line for the case, one for each tensor."""
    head = f'{{"name":{json.dumps(case.name)},"op":{json.dumps(case.op)},"attributes":{compact(case.attributes)}'
    inputs = ',\n'.join(f'  {json.dumps(name)}:{tensor_text(x)}' for name, x in case.inputs.items())
    outputs = ',\n'.join(f'  {json.dumps(name)}:{output_text(entry)}' for name, entry in case.outputs.items())
    gradients = ',\n'.join(f'  {json.dumps(name)}:{values_text(x)}' for name, x in case.gradients.items())
    return f'{head},\n "inputs":{{\n{inputs}}},\n "outputs":{{\n{outputs}}},\n "gradients":{{\n{gradients}}}}}'


def tensor_text(x):
    dtype = {torch.float64: 'f64', torch.int64: 'i32', torch.bool: 'bool'}[x.dtype]
    return f'{{"dtype":"{dtype}","shape":{compact(list(x.shape))},"values":{values_text(x)}}}'


def output_text(entry):
    text = tensor_text(entry['value'])
    if 'cotangent' in entry:
        text = f'{text[:-1]},\n   "cotangent":{values_text(entry["cotangent"])}}}'
    return text


def values_text(x):
    """The elements, row-major, in the fewest digits that read back as the same number."""
    return '[' + ','.join(number_text(value) for value in x.detach().reshape(-1).tolist()) + ']'


def number_text(value):
    if isinstance(value, (bool, int)):
        return str(int(value))
    if math.isnan(value) or math.isinf(value):
        return json.dumps(str(value))
    return repr(value).removesuffix('.0')


compact = lambda value: json.dumps(value, separators=(',', ':'))


# Scalar functions and arithmetic


def pointwise():
    topic = Topic('pointwise')

    def unary(op, function, values):
        case = topic.case(op, op)
        case.finish(y=function(case.given('x', torch.tensor(values))))

    spread = [-3.25, -1.5, -0.75, -0.1, 0.2, 0.8, 1.3, 2.9]
    positive = [0.01, 0.2, 0.7, 1.0, 1.9, 3.3, 12.5, 1e4]
    far = spread + [-30.0, 30.0]
    near0 = spread[2:] + [1e-3, -1e-6, 1e-9, -1e-12]
    unary('exp', torch.exp, spread + [-600.0, 20.5])
    unary('log', torch.log, positive)
    unary('log1p', torch.log1p, near0)
    unary('expm1', torch.expm1, near0)
    unary('sqrt', torch.sqrt, positive)
    unary('sin', torch.sin, spread + [100.0])
    unary('cos', torch.cos, spread + [100.0])
    unary('tan', torch.tan, spread)
    unary('tanh', torch.tanh, near0 + [-20.0, 20.0])
    unary('sigmoid', torch.sigmoid, far + [-700.0, 700.0])
    unary('erf', torch.erf, near0 + [-5.5, 4.0, 6.5])
    unary('relu', torch.relu, spread + [0.0])
    unary('gelu', F.gelu, spread + [0.0, -6.0, 6.0])
    unary('silu', F.silu, far + [0.0])
    unary('softplus', lambda x: F.softplus(x, threshold=1e9), far + [0.0])
    unary('abs', torch.abs, spread + [0.0])
    unary('sign', torch.sign, spread + [0.0])
    unary('floor', torch.floor, spread + [2.0, -2.0])
    unary('ceil', torch.ceil, spread + [2.0, -2.0])
    unary('round', torch.round, spread + [0.5, 1.5, 2.5, -0.5, -1.5])
    unary('neg', torch.neg, spread)
    unary('square', torch.square, spread)

    def binary(op, function, name, left, right, **draw):
        case = topic.case(name, op)
        case.finish(y=function(case.normal('x', *left, **draw), case.normal('y', *right, **draw)))

    for op, function in [('add', torch.add), ('sub', torch.sub), ('mul', torch.mul), ('div', torch.div)]:
        binary(op, function, f'{op} of equal shapes', [2, 3], [2, 3])
        binary(op, function, f'{op} of a matrix and a row', [2, 3], [3])
        binary(op, function, f'{op} of a column and a row', [3, 1], [1, 2])
        binary(op, function, f'{op} of a tensor and rank 0', [2, 2], [])
    binary('mul', torch.mul, 'mul of ranks 4 and 3, both growing', [2, 1, 3, 1], [4, 1, 2])
    binary('pow', torch.pow, 'pow with a positive base', [2, 3], [3], offset=3.0, scale=0.5)
    binary('atan2', torch.atan2, 'atan2 in all quadrants', [6], [6])
    binary('mod', torch.remainder, 'mod of both signs', [7], [7], scale=3.0)
    binary('maximum', torch.maximum, 'maximum', [2, 3], [3])
    binary('minimum', torch.minimum, 'minimum', [2, 3], [2, 1])
    for op in ['eq', 'ne', 'lt', 'le', 'gt', 'ge']:
        case = topic.case(op, op)
        case.finish(y=getattr(torch, op)(case.integers('x', 3, 8), case.integers('y', 3, 8)))

    for exponent in [2.0, 3.0, -1.0, 0.5, 2.5]:
        case = topic.case(f'pow to {exponent}', 'powNumber', exponent=exponent)
        case.finish(y=case.given('x', torch.tensor([0.3, 1.0, 1.7, 4.1])) ** exponent)
    case = topic.case('pow of a negative base to 3', 'powNumber', exponent=3.0)
    case.finish(y=case.given('x', torch.tensor([-1.3, -0.2, 0.0, 2.0])) ** 3)
    case = topic.case('clamp by numbers', 'clamp', low=-1.0, high=0.5)
    case.finish(y=case.given('x', torch.tensor(spread)).clamp(-1.0, 0.5))
    case = topic.case('where with broadcasting', 'where')
    condition = case.integers('condition', 2, 3, 1)
    case.finish(y=torch.where(condition > 0, case.normal('x', 3, 2), case.normal('y', 2)))
    case = topic.case('a chain with a value used twice', 'chain')
    x, y = case.normal('x', 2, 3), case.normal('y', 3)
    a = torch.tanh(x * y) + x
    case.finish(y=a * torch.sigmoid(a) - a / (1 + y * y))
    topic.write()


# Matrix products


def contraction():
    topic = Topic('contraction')
    for name, left, right in [
        ('vector by vector', [4], [4]),
        ('matrix by vector', [2, 4], [4]),
        ('vector by matrix', [4], [4, 3]),
        ('matrix by matrix', [2, 4], [4, 3]),
        ('an inner extent of 1', [2, 1], [1, 3]),
        ('batches', [2, 3, 2], [2, 2, 3]),
        ('a batch by a matrix', [2, 3, 2], [2, 2]),
        ('batches that broadcast', [2, 1, 2, 3], [3, 3, 2]),
        ('a batch by a vector', [2, 3, 2], [2]),
    ]:
        case = topic.case(f'matmul: {name}', 'matmul')
        case.finish(y=case.normal('x', *left) @ case.normal('y', *right))
    for equation, *shapes in [
        ('ij,jk->ik', [2, 3], [3, 4]),
        ('ij,kj->ki', [2, 3], [4, 3]),
        ('bij,bjk->bik', [2, 2, 3], [2, 3, 2]),
        ('i,j->ij', [3], [4]),
        ('ij->ji', [2, 3]),
        ('ij->', [2, 3]),
        ('ij->j', [2, 3]),
        ('ii->i', [3, 3]),
        ('ii', [3, 3]),
        ('ij,ij->', [2, 3], [2, 3]),
        ('bi,oij,bj->bo', [2, 3], [2, 3, 2], [2, 2]),
        ('bhqd,bhkd->bhqk', [1, 2, 3, 2], [1, 2, 2, 2]),
        ('...ij,...jk->...ik', [2, 2, 3], [2, 3, 2]),
        ('ab,bc,cd->ad', [2, 3], [3, 2], [2, 2]),
    ]:
        case = topic.case(f'einsum: {equation}', 'einsum', equation=equation)
        names = ['x', 'y', 'z'][: len(shapes)]
        case.finish(y=torch.einsum(equation, *[case.normal(name, *shape) for name, shape in zip(names, shapes)]))
    for name, shape in [('rows', [3, 4]), ('a batch of sequences', [2, 2, 4])]:
        case = topic.case(f'linear: {name}', 'linear')
        case.finish(y=F.linear(case.normal('x', *shape), case.normal('weight', 3, 4), case.normal('bias', 3)))
    topic.write()


# Reductions


def reduction():
    topic = Topic('reduction')
    places = [('all', None, False), ('axis 1', [1], False), ('axes 0 and 2, kept', [0, 2], True), ('axis -1, kept', [-1], True)]

    def over(op, function, draw='normal'):
        for name, axis, keep in places:
            case = topic.case(f'{op}: {name}', op, axis=axis, keepDims=keep)
            x = getattr(case, draw)('x', 2, 3, 2)
            case.finish(y=function(x, axis if axis is not None else [0, 1, 2], keep))

    over('sum', lambda x, axis, keep: x.sum(axis, keepdim=keep))
    over('mean', lambda x, axis, keep: x.mean(axis, keepdim=keep))
    over('max', lambda x, axis, keep: x.amax(axis, keepdim=keep), 'distinct')
    over('min', lambda x, axis, keep: x.amin(axis, keepdim=keep), 'distinct')
    over('variance', lambda x, axis, keep: x.var(axis, unbiased=False, keepdim=keep))
    over('std', lambda x, axis, keep: x.std(axis, unbiased=False, keepdim=keep))
    over('logSumExp', lambda x, axis, keep: x.logsumexp(axis, keepdim=keep))
    over('norm', lambda x, axis, keep: torch.linalg.vector_norm(x, 2, axis, keepdim=keep))

    def prod(x, axis, keep):
        for d in sorted(d % x.ndim for d in axis)[::-1]:
            x = x.prod(d, keepdim=keep)
        return x

    over('prod', prod)
    case = topic.case('prod: one zero in a row, two in another', 'prod', axis=[1], keepDims=False)
    case.finish(y=case.given('x', torch.tensor([[0.5, 0.0, -2.0], [0.0, 3.0, 0.0], [1.5, 2.0, -1.0]])).prod(1))

    for correction in [0, 1]:
        case = topic.case(f'variance: correction {correction}', 'variance', axis=[0], keepDims=False, correction=correction)
        case.finish(y=case.normal('x', 4, 2).var(0, unbiased=correction == 1))
    case = topic.case('std: correction 1', 'std', axis=[-1], keepDims=True, correction=1)
    case.finish(y=case.normal('x', 2, 4).std(-1, unbiased=True, keepdim=True))
    for name, ord in [('1', 1.0), ('3', 3.0), ('2.5', 2.5)]:
        case = topic.case(f'norm: ord {name}', 'norm', axis=[1], keepDims=False, ord=ord)
        case.finish(y=torch.linalg.vector_norm(case.normal('x', 2, 4), ord, 1))
    case = topic.case('logSumExp: values that overflow exp', 'logSumExp', axis=[1], keepDims=False)
    case.finish(y=case.given('x', torch.tensor([[1000.0, 1000.5, 998.0], [-1000.0, -1003.0, -999.0]])).logsumexp(1))

    for op in ['argmax', 'argmin']:
        for axis, keep in [(None, False), (0, False), (-1, True)]:
            case = topic.case(f'{op}: axis {axis}', op, axis=axis, keepDims=keep)
            case.finish(y=getattr(torch, op)(case.distinct('x', 3, 4), axis, keepdim=keep))
    for op in ['any', 'all']:
        case = topic.case(op, op, axis=[1], keepDims=False)
        case.finish(y=getattr(torch, op)(case.given('x', torch.tensor([[0, 1, 0], [0, 0, 0], [2, 1, 3]])), 1))
    topic.write()


# Softmax and losses


def losses():
    topic = Topic('losses')
    for op, function in [('softmax', F.softmax), ('logSoftmax', F.log_softmax)]:
        for axis in [-1, 0, 1]:
            case = topic.case(f'{op}: axis {axis}', op, axis=axis)
            case.finish(y=function(case.normal('x', 2, 3, 2), axis))
        case = topic.case(f'{op}: large values', op, axis=1)
        case.finish(y=function(case.given('x', torch.tensor([[1000.0, 990.0, 999.0], [-1e4, 0.0, -5.0]])), 1))

    case = topic.case('crossEntropy: class indices', 'crossEntropy')
    case.finish(y=F.cross_entropy(case.normal('x', 4, 3), case.integers('target', 3, 4)))
    case = topic.case('crossEntropy: large logits', 'crossEntropy')
    case.finish(y=F.cross_entropy(case.normal('x', 4, 3, scale=300.0), case.integers('target', 3, 4)))
    case = topic.case('crossEntropy: a class at every place', 'crossEntropy')
    case.finish(y=F.cross_entropy(case.normal('x', 2, 3, 2, 2), case.integers('target', 3, 2, 2, 2)))
    case = topic.case('crossEntropy: class probabilities', 'crossEntropyProbabilities')
    x = case.normal('x', 3, 4)
    target = case.given('target', torch.tensor([[0.25, 0.25, 0.5, 0], [1, 0, 0, 0], [0.125, 0.125, 0.25, 0.5]]))
    case.finish(y=F.cross_entropy(x, target))
    case = topic.case('mse', 'mse')
    case.finish(y=F.mse_loss(case.normal('x', 3, 2), case.normal('target', 3, 2)))
    case = topic.case('l1', 'l1')
    case.finish(y=F.l1_loss(case.normal('x', 3, 2), case.normal('target', 3, 2)))
    case = topic.case('huber', 'huber', delta=0.75)
    case.finish(y=F.huber_loss(case.normal('x', 3, 3), case.normal('target', 3, 3), delta=0.75))
    case = topic.case('bceWithLogits', 'bceWithLogits')
    case.finish(y=F.binary_cross_entropy_with_logits(
        case.given('x', torch.tensor([0.3, -1.2, 4.0, -700.0, 700.0, 0.0])),
        case.given('target', torch.tensor([1.0, 0.0, 0.25, 0.0, 1.0, 0.5]))))
    topic.write()


# Convolutions


def convolution():
    topic = Topic('convolution')

    def conv(name, x, weight, bias=True, **attributes):
        axes = len(x) - 2
        full = {key: pairs(attributes.get(key, default), axes) for key, default in [('stride', 1), ('padding', 0), ('dilation', 1)]}
        groups = attributes.get('groups', 1)
        case = topic.case(f'conv{axes}d: {name}', 'conv', axes=axes, groups=groups, **full)
        operands = [case.normal('x', *x), case.normal('weight', *weight)]
        if bias:
            operands.append(case.normal('bias', weight[0]))
        function = [F.conv1d, F.conv2d, F.conv3d][axes - 1]
        case.finish(y=function(*operands, **full, groups=groups))

    conv('plain', [2, 2, 5], [3, 2, 3])
    conv('no bias', [1, 1, 4], [2, 1, 2], bias=False)
    conv('stride 2 that does not divide', [1, 2, 8], [2, 2, 3], stride=2)
    conv('stride 3 larger than the kernel', [1, 2, 9], [2, 2, 2], stride=3)
    conv('padding 2', [1, 2, 4], [2, 2, 3], padding=2)
    conv('dilation 2', [1, 1, 7], [2, 1, 3], dilation=2)
    conv('stride 2, dilation 3, padding 2', [1, 2, 9], [2, 2, 3], stride=2, dilation=3, padding=2)
    conv('stride 4, dilation 6, padding 5', [1, 1, 14], [1, 1, 3], stride=4, dilation=6, padding=5)
    conv('stride 3, dilation 2, padding 1', [1, 1, 12], [2, 1, 4], stride=3, dilation=2, padding=1)
    conv('groups 2', [1, 4, 5], [4, 2, 2], groups=2)
    conv('depthwise with a multiplier', [1, 2, 5], [4, 1, 3], groups=2, padding=1)
    conv('plain', [1, 2, 4, 4], [2, 2, 3, 3])
    conv('1×1', [2, 3, 2, 2], [2, 3, 1, 1])
    conv('padding same', [1, 1, 4, 5], [2, 1, 3, 3], padding=1)
    conv('stride 2 that does not divide', [1, 1, 6, 6], [2, 1, 3, 3], stride=2)
    conv('stride 2, padding 1', [1, 2, 5, 5], [2, 2, 3, 3], stride=2, padding=1)
    conv('unequal strides, paddings and dilations', [1, 1, 7, 6], [2, 1, 3, 2], stride=[2, 1], padding=[1, 2], dilation=[1, 3])
    conv('groups 2, stride 2, padding 1', [1, 4, 4, 4], [4, 2, 3, 3], groups=2, stride=2, padding=1)
    conv('depthwise, dilation 2', [1, 2, 5, 5], [2, 1, 2, 2], groups=2, dilation=2)
    conv('plain', [1, 1, 3, 3, 3], [2, 1, 2, 2, 2])
    conv('unequal strides and paddings', [1, 2, 3, 4, 3], [1, 2, 2, 3, 2], stride=[1, 2, 2], padding=[0, 1, 1])
    conv('groups 2, dilation', [1, 2, 3, 3, 3], [2, 1, 2, 2, 1], groups=2, dilation=[2, 1, 1])

    def transposed(name, x, weight, **attributes):
        axes = len(x) - 2
        defaults = [('stride', 1), ('padding', 0), ('output_padding', 0), ('dilation', 1)]
        full = {key: pairs(attributes.get(key, default), axes) for key, default in defaults}
        groups = attributes.get('groups', 1)
        case = topic.case(f'convTranspose{axes}d: {name}', 'convTranspose', axes=axes, groups=groups,
                          **{('outputPadding' if key == 'output_padding' else key): value for key, value in full.items()})
        function = [F.conv_transpose1d, F.conv_transpose2d][axes - 1]
        operands = [case.normal('x', *x), case.normal('weight', *weight), case.normal('bias', weight[1] * groups)]
        case.finish(y=function(*operands, **full, groups=groups))

    transposed('plain', [2, 2, 3], [2, 3, 3])
    transposed('stride 2', [1, 2, 3], [2, 2, 3], stride=2)
    transposed('stride 3 larger than the kernel', [1, 1, 3], [1, 2, 2], stride=3)
    transposed('stride 2, padding 1, output padding 1', [1, 2, 4], [2, 1, 3], stride=2, padding=1, output_padding=1)
    transposed('stride 2, dilation 2, padding 1', [1, 1, 4], [1, 2, 3], stride=2, dilation=2, padding=1)
    transposed('stride 3, dilation 2, padding 2, output padding 1', [1, 1, 4], [1, 1, 3], stride=3, dilation=2, padding=2, output_padding=1)
    transposed('groups 2', [1, 4, 3], [4, 1, 2], groups=2)
    transposed('plain', [1, 2, 2, 3], [2, 2, 2, 2])
    transposed('stride 2, padding 1, output padding 1', [1, 1, 3, 3], [1, 2, 3, 3], stride=2, padding=1, output_padding=1)
    transposed('unequal strides and paddings', [1, 2, 3, 2], [2, 1, 2, 3], stride=[1, 3], padding=[0, 1], output_padding=[0, 2])
    transposed('groups 2, stride 2', [1, 2, 2, 2], [2, 2, 2, 2], groups=2, stride=2)
    topic.write()


def pairs(value, axes):
    return list(value) if isinstance(value, list) else [value] * axes


# Pooling


def pooling():
    topic = Topic('pooling')
    settings = [
        ('size 2', [1, 2, 6], 2, 2, 0),
        ('size 3, stride 2, padding 1', [2, 1, 7], 3, 2, 1),
        ('size 2, stride 1', [1, 1, 5], 2, 1, 0),
        ('size 2 that does not divide', [1, 2, 5, 5], 2, 2, 0),
        ('size 3, stride 2, padding 1', [1, 1, 6, 6], 3, 2, 1),
        ('unequal sizes', [1, 1, 5, 6], [2, 3], [1, 2], [0, 1]),
        ('size 2, stride 3', [1, 1, 6, 6], 2, 3, 0),
        ('size 2', [1, 1, 4, 4, 2], 2, 2, 0),
        ('size 3, stride 2, padding 1', [1, 1, 4, 3, 4], 3, 2, 1),
    ]
    for name, shape, size, stride, padding in settings:
        axes = len(shape) - 2
        sizes, strides, paddings = pairs(size, axes), pairs(stride, axes), pairs(padding, axes)
        attributes = {'axes': axes, 'size': sizes, 'stride': strides, 'padding': paddings}
        case = topic.case(f'maxPool{axes}d: {name}', 'maxPool', **attributes)
        function = [F.max_pool1d, F.max_pool2d, F.max_pool3d][axes - 1]
        case.finish(y=function(case.distinct('x', *shape), sizes, strides, paddings))
        function = [F.avg_pool1d, F.avg_pool2d, F.avg_pool3d][axes - 1]
        for include in [True, False] if any(paddings) else [True]:
            counted = '' if include else ', padding not counted'
            case = topic.case(f'avgPool{axes}d: {name}{counted}', 'avgPool', **attributes, countIncludePad=include)
            case.finish(y=function(case.normal('x', *shape), sizes, strides, paddings, count_include_pad=include))
    case = topic.case('maxPool2d: equal elements, the first wins', 'maxPool', axes=2, size=[2, 2], stride=[1, 1], padding=[0, 0])
    case.finish(y=F.max_pool2d(case.given('x', torch.tensor([[[[1.0, 1, 2], [1, 1, 2], [0, 0, 2]]]])), 2, 1))
    topic.write()


# Normalisation


def normalization():
    topic = Topic('normalization')
    for name, shape in [('rows', [4, 3]), ('sequences', [2, 2, 3]), ('images', [2, 2, 2, 3])]:
        for training in [True, False]:
            mode = 'training' if training else 'evaluation'
            case = topic.case(f'batchNorm: {name}, {mode}', 'batchNorm', training=training, momentum=0.1, eps=1e-5)
            channels = shape[1]
            x, weight, bias = case.normal('x', *shape), case.normal('weight', channels), case.normal('bias', channels)
            mean = case.given('runningMean', rounded(torch.randn(channels, generator=case.random)), constant=True)
            variance = case.given('runningVar', rounded(torch.rand(channels, generator=case.random)) + 0.5, constant=True)
            after = [mean.clone(), variance.clone()]
            y = F.batch_norm(x, *after, weight, bias, training, 0.1, 1e-5)
            case.finish(y=y, runningMean=after[0], runningVar=after[1])
    for name, shape, over in [('last axis', [2, 3, 4], [4]), ('last two axes', [2, 2, 3], [2, 3])]:
        case = topic.case(f'layerNorm: {name}', 'layerNorm', shape=over, eps=1e-5)
        x = case.normal('x', *shape)
        case.finish(y=F.layer_norm(x, over, case.normal('weight', *over), case.normal('bias', *over), 1e-5))
    topic.write()


# Layers


def layers():
    topic = Topic('layers')
    for name, shape in [('rows', [5]), ('sequences', [2, 3])]:
        case = topic.case(f'embedding: {name}', 'embedding')
        x = case.integers('x', 4, *shape)
        case.finish(y=F.embedding(x, case.normal('weight', 4, 3)))

    case = topic.case('locallyConnected1d', 'locallyConnected1d')
    x, weight, bias = case.normal('x', 2, 2, 5), case.normal('weight', 3, 3, 2, 3), case.normal('bias', 3, 3)
    windows = x.unfold(2, 3, 1)
    case.finish(y=torch.einsum('bciu,oicu->boi', windows, weight) + bias)
    case = topic.case('locallyConnected2d', 'locallyConnected2d', stride=1)
    local2d(case, [2, 2, 4, 3], 2, [2, 2], 1)
    case = topic.case('locallyConnected2d: stride 2', 'locallyConnected2d', stride=2)
    local2d(case, [1, 2, 5, 5], 2, [2, 3], 2)

    for name, batch, units, depth in [('one layer', 2, 5, 1), ('three layers', 2, 4, 3), ('a single unit', 1, 1, 2)]:
        case = topic.case(f'neuralGrid: {name}', 'neuralGrid', depth=depth)
        x = case.normal('x', batch, units)
        for layer in range(depth):
            w, c = case.normal(f'{layer}.w', units), case.normal(f'{layer}.c', units)
            x = torch.tanh(F.pad(x * w, (1, 1)).unfold(1, 3, 1).sum(-1) + c)
        case.finish(y=x)
    case = topic.case('neuralGrid over images: two layers', 'neuralGrid2d', depth=2)
    x = case.normal('x', 2, 3, 4)
    for layer in range(2):
        w, c = case.normal(f'{layer}.w', 3, 4), case.normal(f'{layer}.c', 3, 4)
        summed = F.unfold(F.pad((x * w)[:, None], (1, 1, 1, 1)), 3).sum(1)
        x = torch.tanh(summed.reshape(2, 3, 4) + c)
    case.finish(y=x)

    for op, function, gates in [('rnn', torch.rnn_tanh, 1), ('gru', torch.gru, 3), ('lstm', torch.lstm, 4)]:
        recurrent(topic, op, function, gates)
        stacked(topic, op, function, gates)
    for name, causal in [('no mask', False), ('causal', True)]:
        attention(topic, name, causal)
    topic.write()


def local2d(case, shape, outputs, kernel, stride):
    """unfold, then one matrix product at each place."""
    x = case.normal('x', *shape)
    batch, channels = shape[:2]
    rows, columns = [(extent - size) // stride + 1 for extent, size in zip(shape[2:], kernel)]
    weight = case.normal('weight', outputs, rows, columns, channels, *kernel)
    bias = case.normal('bias', outputs, rows, columns)
    patches = F.unfold(x, kernel, stride=stride).permute(2, 0, 1)
    matrices = weight.reshape(outputs, rows * columns, -1).permute(1, 2, 0)
    products = torch.bmm(patches, matrices).permute(1, 2, 0)
    case.finish(y=products.reshape(batch, outputs, rows, columns) + bias)


def recurrent(topic, op, function, gates):
    """One layer, gate by gate in PyTorch's order; states of shape (1, batch, hidden)."""
    case = topic.case(op, op)
    steps, batch, inputs, hidden = 3, 2, 3, 2
    x = case.normal('x', steps, batch, inputs)
    states = [case.normal(name, 1, batch, hidden) for name in (['h', 'c'] if op == 'lstm' else ['h'])]
    parameters = [
        case.normal('weightIh', gates * hidden, inputs),
        case.normal('weightHh', gates * hidden, hidden),
        case.normal('biasIh', gates * hidden),
        case.normal('biasHh', gates * hidden),
    ]
    y, *last = function(x, states if op == 'lstm' else states[0], parameters, True, 1, 0.0, False, False, False)
    case.finish(y=y, **dict(zip(['hN', 'cN'], last)))


def stacked(topic, op, function, gates):
    """Two layers from zeros, with the batch first."""
    case = topic.case(f'{op}: two layers', f'{op}Layers')
    inputs, hidden = 2, 2
    x = case.normal('x', 1, 3, inputs)
    parameters = []
    for level in range(2):
        for part, *shape in [('weightIh', gates * hidden, inputs), ('weightHh', gates * hidden, hidden),
                             ('biasIh', gates * hidden), ('biasHh', gates * hidden)]:
            parameters.append(case.normal(f'{part}L{level}', *shape))
    start = torch.zeros(2, 1, hidden)
    case.finish(y=function(x, [start, start] if op == 'lstm' else start, parameters, True, 2, 0.0, False, False, True)[0])


def attention(topic, name, causal):
    case = topic.case(f'multiheadAttention: {name}', 'multiheadAttention', heads=2, causal=causal)
    width, batch, length = 4, 1, 3
    query, key, value = [case.normal(operand, batch, length, width) for operand in ['query', 'key', 'value']]
    projections = [case.normal('inProjWeight', 3 * width, width, scale=0.5), case.normal('inProjBias', 3 * width)]
    output = [case.normal('outProj.weight', width, width), case.normal('outProj.bias', width)]
    mask = torch.ones(length, length, dtype=torch.bool).triu(1) if causal else None
    sequence_first = [x.transpose(0, 1) for x in (query, key, value)]
    y, _ = F.multi_head_attention_forward(
        *sequence_first, width, 2, *projections, None, None, False, 0.0, *output, attn_mask=mask)
    case.finish(y=y.transpose(0, 1))


# Views


def views():
    topic = Topic('views')

    def view(name, function, *shape, op=None, **attributes):
        case = topic.case(name, op or name.split(':')[0], **attributes)
        case.finish(y=function(case.normal('x', *shape)))

    view('permute: 2, 0, 1', lambda x: x.permute(2, 0, 1), 2, 3, 2, axes=[2, 0, 1])
    view('transpose', lambda x: x.transpose(-2, -1), 2, 3)
    view('reshape: 3, -1', lambda x: x.reshape(3, -1), 2, 3, 2, shape=[3, -1])
    view('reshape: of a transposed matrix', lambda x: x.t().reshape(2, 3), 2, 3, op='reshapeTransposed', shape=[2, 3])
    view('flatten: axes 1 to 2', lambda x: x.flatten(1, 2), 2, 2, 3, axes=[1, 2])
    view('slice: steps 2 and 3', lambda x: x[1::2, 0:7:3], 4, 8, specs=[[1, None, 2], [0, 7, 3]])
    view('slice: an element and negative bounds', lambda x: x[-1, -3:-1], 2, 4, specs=[-1, [-3, -1]])
    view('slice: a negative step', lambda x: x.flip(1)[:, 1::2], 2, 5, specs=[None, [-2, None, -2]])
    view('flip: axis 1', lambda x: x.flip(1), 2, 3, axes=[1])
    view('flip: all axes', lambda x: x.flip(0, 1), 2, 3, axes=[0, 1])
    view('roll: 2 along axis 1', lambda x: x.roll(2, 1), 2, 5, shift=2, axis=1)
    view('roll: -1 along axis 0', lambda x: x.roll(-1, 0), 3, 2, shift=-1, axis=0)
    view('roll: 4 of all', lambda x: x.roll(4), 2, 3, shift=4, axis=None)
    view('pad: zeros', lambda x: F.pad(x, (1, 2)), 2, 3, padding=[0, [1, 2]], value=0)
    view('pad: 1.5', lambda x: F.pad(x, (0, 1, 2, 0), value=1.5), 2, 2, padding=[[2, 0], [0, 1]], value=1.5)
    view('broadcastTo', lambda x: x.expand(2, 3, 2), 3, 1, shape=[2, 3, 2])
    view('tile', lambda x: x.repeat(2, 1, 2), 2, 2, times=[2, 1, 2])
    view('repeat', lambda x: x.repeat_interleave(3, 1), 2, 2, times=3, axis=1)
    view('split: one piece', lambda x: x.split([1, 3, 1], 1)[1], 2, 5, sizes=[1, 3, 1], axis=1, piece=1)
    for axis in [0, 1, -1]:
        view(f'cumsum: axis {axis}', lambda x: x.cumsum(axis), 2, 5, 2, axis=axis)
        view(f'cumprod: axis {axis}', lambda x: x.cumprod(axis), 2, 5, 2, axis=axis)
    case = topic.case('cumprod: with zeros', 'cumprod', axis=0)
    case.finish(y=case.given('x', torch.tensor([2.0, 0.0, 3.0, 0.0, 0.5])).cumprod(0))

    case = topic.case('concat: three along axis 1', 'concat', axis=1)
    case.finish(y=torch.cat([case.normal('x', 2, 1), case.normal('y', 2, 3), case.normal('z', 2, 2)], 1))
    case = topic.case('stack: new axis 1', 'stack', axis=1)
    case.finish(y=torch.stack([case.normal('x', 2, 2), case.normal('y', 2, 2), case.normal('z', 2, 2)], 1))
    case = topic.case('gather: axis 1', 'gather', axis=1)
    case.finish(y=case.normal('x', 2, 4).gather(1, case.integers('index', 4, 2, 3)))
    case = topic.case('gather: axis 0, fewer columns', 'gather', axis=0)
    case.finish(y=case.normal('x', 3, 3).gather(0, case.integers('index', 3, 4, 2)))
    case = topic.case('take: rows that repeat', 'take', axis=0)
    case.finish(y=case.normal('x', 3, 2).index_select(0, case.integers('index', 3, 5)))
    case = topic.case('take: a matrix of positions along axis 1', 'take', axis=1)
    case.finish(y=case.normal('x', 2, 4)[:, case.integers('index', 4, 2, 3)])

    for axis, descending in [(-1, False), (0, False), (-1, True)]:
        case = topic.case(f'sort: axis {axis}{", descending" if descending else ""}', 'sort', axis=axis, descending=descending)
        found = case.distinct('x', 3, 4).sort(axis, descending=descending)
        case.finish(y=found.values, indices=found.indices)
    for largest in [True, False]:
        case = topic.case(f'topk: 2 {"largest" if largest else "smallest"}', 'topk', count=2, largest=largest)
        found = case.distinct('x', 3, 5).topk(2, largest=largest)
        case.finish(y=found.values, indices=found.indices)
    topic.write()


# Optimisers and initialisers


def optimizers():
    topic = Topic('optimizers')

    def run(name, op, make, **attributes):
        case = topic.case(name, op, **attributes)
        parameter = nn.Parameter(case.normal('parameter', 2, 2).detach().clone())
        gradients = case.normal('gradients', 5, 2, 2)
        optimizer = make([parameter])
        after = []
        for gradient in gradients:
            parameter.grad = gradient.detach().clone()
            optimizer.step()
            after.append(parameter.detach().clone())
        case.finish(parameters=torch.stack(after))

    optim = torch.optim
    run('sgd', 'sgd', lambda p: optim.SGD(p, lr=0.1), lr=0.1)
    run('sgd: momentum', 'sgd', lambda p: optim.SGD(p, lr=0.1, momentum=0.9), lr=0.1, momentum=0.9)
    run('sgd: Nesterov', 'sgd', lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True), lr=0.1, momentum=0.9, nesterov=True)
    run('sgd: weight decay', 'sgd', lambda p: optim.SGD(p, lr=0.1, weight_decay=0.2), lr=0.1, weightDecay=0.2)
    run('sgd: all', 'sgd', lambda p: optim.SGD(p, lr=0.05, momentum=0.8, nesterov=True, weight_decay=0.1),
        lr=0.05, momentum=0.8, nesterov=True, weightDecay=0.1)
    run('adam', 'adam', lambda p: optim.Adam(p, lr=0.01), lr=0.01)
    run('adam: weight decay and betas', 'adam', lambda p: optim.Adam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1),
        lr=0.02, betas=[0.8, 0.95], eps=1e-6, weightDecay=0.1)
    run('adamW', 'adamW', lambda p: optim.AdamW(p, lr=0.01), lr=0.01)
    run('adamW: weight decay and betas', 'adamW', lambda p: optim.AdamW(p, lr=0.02, betas=(0.8, 0.95), weight_decay=0.3),
        lr=0.02, betas=[0.8, 0.95], weightDecay=0.3)
    topic.write()


def initializers():
    """The bound of a uniform distribution or the standard deviation of a normal one, by torch.nn.init's own fans and gains."""
    topic = Topic('initializers')
    for weight in [[64, 48], [16, 8, 5, 5], [24, 16, 7]]:
        shape = 'by'.join(map(str, weight))
        fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(torch.empty(weight))
        case = topic.case(f'fans of {shape}', 'fans', weight=weight)
        case.finish(fanIn=torch.tensor(fan_in), fanOut=torch.tensor(fan_out))
        for gain in [1.0, nn.init.calculate_gain('tanh')]:
            scale = gain * math.sqrt(2 / (fan_in + fan_out))
            for op, value in [('xavierUniform', math.sqrt(3) * scale), ('xavierNormal', scale)]:
                case = topic.case(f'{op} of {shape}, gain {gain:.3f}', op, weight=weight, gain=gain)
                case.finish(scale=torch.tensor(value))
        for mode, fan in [('fanIn', fan_in), ('fanOut', fan_out)]:
            for nonlinearity, slope in [('relu', 0.0), ('linear', 0.0), ('leakyRelu', math.sqrt(5))]:
                gain = nn.init.calculate_gain('leaky_relu' if nonlinearity == 'leakyRelu' else nonlinearity, slope)
                for op, value in [('kaimingUniform', gain * math.sqrt(3 / fan)), ('kaimingNormal', gain / math.sqrt(fan))]:
                    case = topic.case(f'{op} of {shape}, {mode}, {nonlinearity}', op, weight=weight, mode=mode,
                                      nonlinearity=nonlinearity, negativeSlope=slope)
                    case.finish(scale=torch.tensor(value))
    topic.write()


if __name__ == '__main__':
    os.makedirs(folder, exist_ok=True)
    for make in [pointwise, contraction, reduction, losses, convolution, pooling, normalization, layers, views, optimizers, initializers]:
        make()
