/** Receivers of webhooks whose bodies are known, with the field of the body that holds a secret of each. */
export const receivers = {
  slack: null,
  mattermost: null,
  discord: null,
  teams: null,
  ntfy: 'topic',
  pagerduty: 'routing_key',
  opsgenie: null,
} as const satisfies { readonly [name: string]: string | null }

export type Receiver = keyof typeof receivers

export const receiverNames = Object.keys(receivers) as [Receiver, ...Receiver[]]
