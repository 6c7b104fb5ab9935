import type { Gauge } from '../run/readiness/check.ts'
import type { CheckReport } from '../run/readiness/merge.ts'

type Sample = { readonly labels: { readonly [label: string]: string }; readonly value: number }

/**
 * The result in the text format of Prometheus (version 0.0.4), for the textfile collector of its node exporter:
 * https://prometheus.io/docs/instrumenting/exposition_formats/. All metrics are gauges.
 */
export function doctorMetrics(reports: readonly CheckReport[], now: Date): string {
  const metrics = new Map<string, { readonly help: string; readonly samples: Sample[] }>()
  const add = ({ name, help, value, labels = {} }: Gauge, target: string | null): void => {
    const metric = metrics.get(name) ?? { help, samples: [] }
    metrics.set(name, metric)
    metric.samples.push({ labels: { ...(target === null ? {} : { target }), ...labels }, value })
  }
  add(
    {
      name: 'doctor_last_run_timestamp_seconds',
      help: 'When the doctor last looked.',
      value: Math.floor(now.getTime() / 1000),
    },
    null,
  )
  for (const { check, target, findings, unchecked, gauges } of reports) {
    const problems = findings.filter(({ level }) => level === 'refuse').length
    const labels = { check }
    add(
      {
        name: 'doctor_problems',
        help: 'Reasons why a run would be refused or fail.',
        value: problems,
        labels,
      },
      target,
    )
    add(
      {
        name: 'doctor_warnings',
        help: 'What should be looked at.',
        value: findings.length - problems,
        labels,
      },
      target,
    )
    add(
      { name: 'doctor_unchecked', help: 'What could not be looked at.', value: unchecked.length, labels },
      target,
    )
    for (const gauge of gauges) add(gauge, target)
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
