// An ONNX model as bytes: a graph of f32 tensors. Field numbers are those of onnx.proto (https://github.com/onnx/onnx).

/** `graph`: { inputs: { name: shape }, output: shape of the tensor z, nodes: [{ type, inputs, output, attributes }] }. */
export function modelOf({ inputs, output, nodes }) {
  const graph = message([
    ...nodes.map((node) => [1, nodeOf(node)]),
    [2, 'graph'],
    ...Object.entries(inputs).map(([name, shape]) => [11, valueInfo(name, shape)]),
    [12, valueInfo('z', output)],
  ])
  return message([
    [1, 8],
    [7, graph],
    [8, message([[2, 17]])],
  ])
}

const intsType = 7
const f32Type = 1

const nodeOf = ({ type, inputs, output, attributes = {} }) =>
  message([
    ...inputs.map((input) => [1, input]),
    [2, output],
    [4, type],
    ...Object.entries(attributes).map(([name, ints]) => [
      5,
      message([[1, name], ...ints.map((each) => [8, each]), [20, intsType]]),
    ]),
  ])

function valueInfo(name, shape) {
  const dimensions = message(shape.map((extent) => [1, message([[1, extent]])]))
  const tensor = message([
    [1, f32Type],
    [2, dimensions],
  ])
  return message([
    [1, name],
    [2, message([[1, tensor]])],
  ])
}

/** A protocol buffer of fields: numbers as varints, text and bytes with their length. */
function message(fields) {
  const bytes = fields.flatMap(([field, value]) => {
    if (typeof value === 'number') return [...varint(field << 3), ...varint(value)]
    const content = typeof value === 'string' ? new TextEncoder().encode(value) : value
    return [...varint((field << 3) | 2), ...varint(content.length), ...content]
  })
  return Uint8Array.from(bytes)
}

function varint(value) {
  const bytes = []
  let rest = value
  while (rest >= 128) {
    bytes.push((rest & 127) | 128)
    rest >>>= 7
  }
  return [...bytes, rest]
}
