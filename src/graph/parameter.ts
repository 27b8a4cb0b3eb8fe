import { ShapeError } from '../errors.ts'
import { evaluator } from './evaluator.ts'
import type { Node, ParameterCell, ParameterNode } from './node.ts'
import { shapeText } from './operations/axes.ts'
import { cast } from './operations/cast.ts'
import { tensorText } from './print.ts'
import { Tensor } from './tensor.ts'

/** A tensor that can be given a new value: a weight. Everything computed from it afterwards sees the new one. */
export class Parameter<out Rank extends number = number> extends Tensor<Rank> {
  readonly #cell: ParameterCell

  constructor(node: ParameterNode) {
    super(node)
    this.#cell = node.cell
  }

  /** Its value now: another node after each assignment. */
  override get node(): Node {
    return this.#cell.current
  }

  get name(): string {
    return this.#cell.name
  }

  /** Throws ShapeError `shape-mismatch` unless `value` has the parameter's shape; its dtype is cast. */
  assign(value: Tensor): void {
    if (shapeText(value.shape) !== shapeText(this.shape))
      throw new ShapeError(
        'shape-mismatch',
        `assign: the parameter ${this.name} has shape ${shapeText(this.shape)} and the value ${shapeText(value.shape)}; they must be equal`,
      )
    evaluator().assign(this.#cell, cast(value.node, this.dtype))
  }

  override toString(): string {
    return tensorText(this.node, `Parameter ${this.name}`)
  }
}
