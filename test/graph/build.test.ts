import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { EinfoldError } from '../../src/errors.ts'
import type { Expr } from '../../src/expression/tree.ts'
import { binary, call, name, number, read, reduce } from '../../src/expression/tree.ts'
import {
  comprehension,
  dataNode,
  inputNode,
  parameterNode,
  reshapeNode,
  ruleNode,
  scatterNode,
} from '../../src/graph/build.ts'
import type { BoundRange, Node } from '../../src/graph/node.ts'
import { interpret } from '../support/interpret.ts'

const axis = (index: string, extent: number, start = 0): BoundRange => ({ index, start, extent })
const x = dataNode(new Float32Array(20), [4, 5], 'f32')
const y = dataNode(new Float32Array(20), [4, 5], 'f32')

/** z[a,c] = sum(e) p[a,e] * q[c,e], under any names. */
function gram(names: string, p: Node, q: Node): Node {
  const [a, c, e] = names
  return comprehension({
    axes: [axis(a, 4), axis(c, 4)],
    reduction: { op: 'sum', ranges: [axis(e, 5)], where: null },
    body: binary('*', read(`${a}1`, [name(a), name(e)]), read(`${a}2`, [name(c), name(e)])),
    operands: { [`${a}1`]: p, [`${a}2`]: q },
  })
}

test('nodes of equal structure are one object, whatever their names', () => {
  assert.equal(gram('ijk', x, y), gram('ijk', x, y))
  assert.equal(gram('ijk', x, y), gram('pqr', x, y))
  assert.notEqual(gram('ijk', x, y), gram('ijk', y, x))
  assert.notEqual(gram('ijk', x, y), gram('ijk', x, x))
})

test('nodes that differ in anything that matters are different', () => {
  const base = { axes: [axis('i', 4)], body: read('x', [name('i'), number(0)]), operands: { x } }
  const reduced = { op: 'sum', ranges: [axis('j', 2)], where: null } as const
  const where = binary('<', name('i'), number(3))
  const variants = [
    comprehension(base),
    comprehension({ ...base, dtype: 'f64' }),
    comprehension({ ...base, axes: [axis('i', 3)] }),
    comprehension({ ...base, body: read('x', [name('i'), number(1)]) }),
    comprehension({ ...base, body: read('x', [name('i'), number(0)], true) }),
    comprehension({ ...base, body: call('exp', base.body) }),
    comprehension({ ...base, body: binary('+', base.body, number(0.5)) }),
    comprehension({ ...base, body: binary('-', base.body, number(0.5)) }),
    comprehension({ ...base, body: binary('*', base.body, number(-0)) }),
    comprehension({ ...base, body: binary('*', base.body, number(0)) }),
    comprehension({ ...base, axes: [axis('i', 4), axis('j', 2)] }),
    comprehension({ ...base, reduction: reduced }),
    comprehension({ ...base, reduction: { ...reduced, op: 'max' } }),
    comprehension({ ...base, reduction: { ...reduced, ranges: [axis('j', 2, 1)] } }),
    comprehension({ ...base, reduction: { ...reduced, where } }),
    comprehension({ ...base, reduction: { ...reduced, where: binary('<', name('j'), number(3)) } }),
  ]
  assert.equal(new Set(variants).size, variants.length)
})

test('ids increase from operands to users', () => {
  const node = gram('uvw', x, y)
  const user = comprehension({ axes: [], body: read('g', [number(1), number(2)]), operands: { g: node } })
  assert(x.id < y.id && y.id < node.id && node.id < user.id)
})

test('a node that nothing holds is forgotten', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const make = (): Node =>
    comprehension({
      axes: [axis('i', 4)],
      body: binary('+', read('x', [name('i'), number(3)]), number(77)),
      operands: { x },
    })
  const { id } = make()
  assert.equal(make().id, id)
  const weak = new WeakRef(make())
  for (let tries = 0; tries < 20 && weak.deref(); tries++) {
    await setImmediate()
    collect()
  }
  assert.equal(weak.deref(), undefined)
  assert(make().id > id)
})

test('the body is simplified, operands that are not read are left out, and a copy is the original', () => {
  const body = binary('*', read('x', [name('i'), name('j')]), number(1))
  const node = comprehension({ axes: [axis('i', 4), axis('j', 3)], body, operands: { y, x } })
  assert(node.kind === 'comprehension')
  assert.deepEqual(node.body, read('x', [name('i'), name('j')]))
  assert.deepEqual([...node.operands], [['x', x]])
  assert.equal(comprehension({ axes: [axis('i', 4), axis('j', 5)], body, operands: { x } }), x)
  assert.notEqual(comprehension({ axes: [axis('i', 4), axis('j', 5)], body, operands: { x }, dtype: 'f64' }), x)
})

test('reshapes of reshapes are one, and to the same shape none', () => {
  const flat = reshapeNode(x, [20])
  assert.deepEqual(flat.shape, [20])
  assert.equal(reshapeNode(flat, [4, 5]), x)
  assert.equal(reshapeNode(reshapeNode(x, [2, 10]), [20]), flat)
  assert.equal(reshapeNode(x, [4, 5]), x)
})

test('few numbers are shared by value, many and parameters and inputs are not', () => {
  const small = (last: number) => dataNode(Float32Array.of(1, last), [2], 'f32')
  assert.equal(small(2), small(2))
  assert.notEqual(small(0), small(-0))
  assert.notEqual(small(2), dataNode(Float64Array.of(1, 2), [2], 'f64'))
  assert.notEqual(x, y)
  const weight = () => parameterNode('w', Float32Array.of(1), [], 'f32')
  assert.notEqual(weight(), weight())
  assert.notEqual(inputNode(0, [2], 'f32'), inputNode(0, [2], 'f32'))
  const parameter = weight()
  assert.equal(parameter.cell.current, parameter)
})

test('a scatter adds values at their positions', () => {
  const at = dataNode(Int32Array.of(2, 0, 2), [3], 'i32')
  const values = dataNode(Float64Array.of(1, 10, 100), [3], 'f64')
  const make = (index: string) =>
    scatterNode({
      shape: [4],
      ranges: [axis(index, 3)],
      at: [read('at', [name(index)])],
      value: read('v', [name(index)]),
      operands: { at, v: values },
    })
  assert.deepEqual([...interpret(make('n'))], [10, 0, 101, 0])
  assert.equal(make('n').dtype, 'f64')
  assert.equal(make('n'), make('m'))
})

test('a rule over the same nodes is one node', () => {
  const rule = () => ruleNode({ rule: 'half', of: x, inputs: [y], vjp: () => [null] })
  assert.equal(rule(), rule())
  assert.notEqual(rule(), ruleNode({ rule: 'half', of: x, inputs: [x], vjp: () => [null] }))
})

test('what cannot be a node is refused', () => {
  const refuse = (message: string, make: () => Node): void =>
    assert.throws(make, (error) => {
      assert(error instanceof EinfoldError)
      assert.deepEqual([error.code, error.message], ['invalid-node', message])
      return true
    })
  const of =
    (body: Expr, axes: readonly BoundRange[] = [axis('i', 4)]) =>
    () =>
      comprehension({ axes, body, operands: { x } })
  refuse('j is not an index here', of(name('j')))
  refuse('there is no operand q', of(read('q', [])))
  refuse('x has 2 dimensions and is read with 1 indices', of(read('x', [name('i')])))
  refuse('there is no function sinh', of(call('sinh', name('i'))))
  refuse('where takes 3 arguments, not 1', of(call('where', name('i'))))
  refuse('a sum inside a body: each reduction is a node of its own', of(reduce('sum', [], name('i'))))
  refuse('the index i is bound twice', of(name('i'), [axis('i', 4), axis('i', 2)]))
  refuse('the index i has extent 1.5', of(name('i'), [axis('i', 1.5)]))
  refuse('axis i starts at 1, not at 0', of(name('i'), [axis('i', 2, 1)]))
  refuse('a tensor of shape [4,5] has 20 elements, shape [3] has 3', () => reshapeNode(x, [3]))
  refuse('shape [3] has 3 elements, not 2', () => dataNode(new Float32Array(2), [3], 'f32'))
  refuse('a scatter into 1 dimensions has 0 indices', () =>
    scatterNode({ shape: [2], ranges: [], at: [], value: number(1), operands: {} }),
  )
})
