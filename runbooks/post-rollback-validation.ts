import { runbook } from '../src/index.ts'
import { checkHealth, checkMetrics, duty, escalation, logResult, scanLogs } from '../steps/index.ts'

export default runbook('post-rollback-validation', {
  title: 'Validation after a rollback',
  when: 'After any rollback, before the incident is declared over: liveness, readiness, metrics and recent logs, then the announcement and the follow-up.',
  needs: ['health', 'metrics', 'logScan', 'operators'],
  params: {},
}, ({ target, step, lastly }) => {
  const { channel, tracker, contacts, escalation: levels } = target.operators

  step('Check liveness and readiness', checkHealth({ checks: target.health }))
  step('Scrape the metrics', checkMetrics({ metrics: target.metrics }), { retry: { times: 3, delaySeconds: 2 } })
  step('Look through recent logs', scanLogs({ scan: target.logScan }))
  step('Announce that the rollback is complete', duty({
    name: 'announce', what: `Announce in ${channel ?? 'the incident channel'} that the rollback is complete.`,
  }))
  step('Create a ticket for the forward fix', duty({
    name: 'ticket', what: `Create a follow-up ticket for the forward fix in ${tracker ?? 'the tracker'}, and give its number.`,
  }))

  lastly('Say who is next', escalation({ levels, contacts }))
  lastly('Log the result', logResult({ checklist: target.checklist?.file ?? null, about: null }))
})
