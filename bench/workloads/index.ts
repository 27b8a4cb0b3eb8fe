// All workloads, in the order of the tables in docs/benchmarks.md.
import type { Workload } from '../workload.ts'
import { dense } from './dense.ts'
import { grid } from './grid.ts'
import { images } from './images.ts'
import { operations } from './operations.ts'
import { sequences } from './sequences.ts'

export const workloads: readonly Workload[] = [...dense, ...images, ...grid, ...sequences, ...operations]
