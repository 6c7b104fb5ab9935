import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { EmptyProject } from '../project.ts'
import { millisecondsOf, type Row } from '../row.ts'

/**
 * What a step costs that does nothing: the difference between a long and a short run of the real program, so that
 * its start does not count, but Listr2, evidence and every sync do.
 */
export const journaledStep: Row = {
  name: 'journaled-step',
  title: 'A journaled step, durable',
  unit: 'ms a step',
  async prepare({ folder, quick }) {
    const [few, many] = [10, quick ? 210 : 510]
    const project = new EmptyProject(folder)
    const perStep = (step: 'change' | 'loud' | 'look') => {
      const [short, long] = [project.add(step, few), project.add(step, many)]
      return async (): Promise<number> => {
        const began = await project.runbook('run', short)
        return ((await project.runbook('run', long)) - began) / (many - few)
      }
    }
    return {
      rounds: quick ? 3 : 9,
      size: `${many} steps less ${few}`,
      contestants: [
        { name: 'two writes of 4 KiB, each with fdatasync', once: () => syncs(join(folder, 'plain'), many) },
        { name: 'a step that changes something', once: perStep('change') },
        { name: 'the same, with a line in its log', once: perStep('loud') },
        { name: 'a step that only looks', once: perStep('look') },
      ],
    }
  },
}

/** Into a file that has its size already: the least that two durable entries can cost. */
async function syncs(path: string, count: number): Promise<number> {
  const page = Buffer.alloc(4096, 1)
  const file = openSync(path, 'w+', 0o600)
  try {
    for (let at = 0; at < 2 * count; at += 1) writeSync(file, page, 0, page.length, at * page.length)
    fdatasyncSync(file)
    const took = await millisecondsOf(() => {
      for (let at = 0; at < 2 * count; at += 1) {
        writeSync(file, page, 0, page.length, at * page.length)
        fdatasyncSync(file)
      }
    })
    return took / count
  } finally {
    closeSync(file)
  }
}
