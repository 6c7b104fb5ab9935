import type { CheckReport } from '../run/readiness/merge.ts'
import { metricsText, type Measured } from './metrics.ts'

/** The result as metrics, for the textfile collector of the node exporter of Prometheus. */
export function doctorMetrics(reports: readonly CheckReport[], now: Date): string {
  const last: Measured = {
    target: null,
    gauge: {
      name: 'doctor_last_run_timestamp_seconds',
      help: 'When the doctor last looked.',
      value: Math.floor(now.getTime() / 1000),
    },
  }
  return metricsText([last, ...reports.flatMap(measuredIn)])
}

function measuredIn({ check, target, findings, unchecked, gauges }: CheckReport): readonly Measured[] {
  const problems = findings.filter(({ level }) => level === 'refuse').length
  const labels = { check }
  return [
    {
      name: 'doctor_problems',
      help: 'Reasons why a run would be refused or fail.',
      value: problems,
      labels,
    },
    {
      name: 'doctor_warnings',
      help: 'What should be looked at.',
      value: findings.length - problems,
      labels,
    },
    { name: 'doctor_unchecked', help: 'What could not be looked at.', value: unchecked.length, labels },
    ...gauges,
  ].map((gauge) => ({ target, gauge }))
}
