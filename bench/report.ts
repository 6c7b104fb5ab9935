import { arch, cpus, platform, release, totalmem } from 'node:os'
import type { Measured, Row } from './row.ts'

export type Result = {
  readonly row: Row['name']
  readonly title: string
  readonly unit: string
  readonly size: string
  readonly xTitle?: string
  readonly measured: readonly Measured[]
}

export type Report = {
  readonly at: string
  readonly command: string
  readonly machine: string
  readonly node: string
  readonly results: readonly Result[]
}

export function reportOf(results: readonly Result[], command: string): Report {
  const processors = cpus()
  const memory = Math.round(totalmem() / (1 << 30))
  return {
    at: new Date().toISOString(),
    command,
    machine: `${processors.length} x ${processors[0]?.model.trim() ?? 'unknown processor'}, ${memory} GiB, ${platform()} ${release()} ${arch()}`,
    node: process.version,
    results,
  }
}

export function markdownOf({ at, command, machine, node, results }: Report): string {
  const head = `Measured ${at.slice(0, 10)} with \`${command}\`, Node ${node}, on ${machine}. Medians, with the lowest and the highest.\n`
  return [head, ...results.map(tableOf)].join('\n')
}

function tableOf({ title, unit, size, measured }: Result): string {
  const rows = measured.map(
    ({ name, median, lowest, highest, ratio }) =>
      `| ${name} | ${figure(median)} | ${figure(lowest)} to ${figure(highest)} | ${ratio.toFixed(1)} |`,
  )
  return [
    `## ${title}`,
    '',
    `${size[0]?.toUpperCase() ?? ''}${size.slice(1)}; n = ${measured[0]?.samples.length ?? 0}.`,
    '',
    `| | ${unit} | spread | ratio |`,
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}

const figure = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(0))
