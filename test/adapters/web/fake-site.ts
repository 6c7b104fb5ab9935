import type { Site } from '../../../src/adapters/web/site.ts'

const bytes = Buffer.from('<script>alert(1)</script>')

/** A site with one page of each kind. */
export function fakeSite(more: Partial<Site> = {}): Site {
  const only = (wanted: string, html: string) => async (name: string) => (name === wanted ? html : null)
  return {
    policies: { page: 'page-policy', evidence: 'evidence-policy' },
    overview: async () => 'the overview',
    target: async (name, runbook) => (name === 'shop' ? `the target ${String(runbook)}` : null),
    runbook: async (target, name) => (`${target}/${name}` === 'shop/restore' ? 'the runbook' : null),
    dryRun: async (target, name) =>
      `${target}/${name}` === 'shop/restore' ? { status: 200, html: 'the dry run' } : null,
    graph: async (target, name) => (`${target}/${name}` === 'shop/restore' ? 'flowchart TD' : null),
    run: only('R1', 'the run'),
    evidence: only('R1', 'the evidence'),
    file: async (run, name) =>
      run === 'R1' && ['report.html', 'logs/01-a.log'].includes(name)
        ? { html: name.endsWith('.html'), bytes: bytes.length, body: new Blob([bytes]).stream() }
        : null,
    metrics: async () => 'runbook_x 1\n',
    state: async (run) => (run === 'R1' ? { html: 'now', over: true } : null),
    failure: (status, says, hint) => `${status} ${says} ${hint}`,
    ...more,
  }
}
