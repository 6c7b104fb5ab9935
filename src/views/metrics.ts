import type { Gauge } from '../run/readiness/check.ts'
import type { Protection } from '../run/readiness/protection.ts'

/** A number, and what it is about; null for this machine. */
export type Measured = { readonly target: string | null; readonly gauge: Gauge }

type Sample = { readonly labels: { readonly [label: string]: string }; readonly value: number }

/** Of `runbook serve`: what it saw of every target, and when. */
export const protectionMetrics = (all: readonly Protection[], at: Date): string =>
  metricsText([
    {
      target: null,
      gauge: {
        name: 'protection_last_look_timestamp_seconds',
        help: 'When backups, drills and runs were last looked at.',
        value: Math.floor(at.getTime() / 1000),
      },
    },
    ...all.flatMap(({ target, gauges }) => gauges.map((gauge) => ({ target, gauge }))),
  ])

/**
 * The text format of Prometheus (version 0.0.4):
 * https://prometheus.io/docs/instrumenting/exposition_formats/. All metrics are gauges.
 */
export function metricsText(all: readonly Measured[]): string {
  const metrics = new Map<string, { readonly help: string; readonly samples: Sample[] }>()
  for (const { target, gauge } of all) {
    const { name, help, value, labels = {} } = gauge
    const metric = metrics.get(name) ?? { help, samples: [] }
    metrics.set(name, metric)
    metric.samples.push({ labels: { ...(target === null ? {} : { target }), ...labels }, value })
  }
  return [...metrics]
    .flatMap(([name, { help, samples }]) => [
      `# HELP runbook_${name} ${help}`,
      `# TYPE runbook_${name} gauge`,
      ...samples.map(({ labels, value }) => `runbook_${name}${labelsText(labels)} ${value}`),
    ])
    .map((line) => `${line}\n`)
    .join('')
}

function labelsText(labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const escaped = (value: string): string =>
  value
    .replaceAll('\\', '\\\\')
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`)
