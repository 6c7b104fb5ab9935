import { expect, test } from 'vitest'
import { param } from '../../src/model/param.ts'
import { planOf } from '../../src/model/plan.ts'
import { fallbacksOf, runbook } from '../../src/model/runbook.ts'
import { paramLines } from '../../src/views/params.ts'
import { planMarkdown } from '../../src/views/plan-markdown.ts'
import { planMermaid } from '../../src/views/plan-mermaid.ts'
import { planText } from '../../src/views/plan-text.ts'
import { night, nightPlan } from '../fixtures/night.ts'
import { look, target } from '../model/bare.ts'

const params = paramLines(night.about.params)

test('text', () => {
  expect(planText(nightPlan(), params)).toMatchInlineSnapshot(`
    "Night | shift <b>  (night)
    When: It is \`dark\`.
    Target: The house (house)

    Parameters
      --lamp oil|gas  Which lamp (default: oil)
      --since TIME    Since when (required)

    Steps
      1. Look "around"  [read-only]
         Looks at 2026-02-03T04:12:00.000Z.
      In parallel: Two hands
        2. Left hand  [changes; can be undone]
           Changes the left.
        3. Right hand  [changes; can be undone]
           Changes ‹after "Look "around""›.
      Only if --lamp is oil
        Only if fresh of "Look "around"" is true
          4. Light the oil  [changes; can be undone]
             Changes oil.
      Only if --lamp is gas
        5. Light the gas  [changes; can be undone]
           Changes gas.
      ── point of no return: The night is over. From here on failures no longer roll back.
      6. Burn the bridge  [destroys; cannot be undone: it is gone for good]
         Destroys the\\u001b[31m bridge.

    At the end of every run, after success and after rollback
      7. Write it down  [changes; can be undone]
         Changes the book.
    "
  `)
})

test('what is taken for an optional parameter that is not given, at each step that gets it', () => {
  const book = runbook(
    'lost',
    {
      title: 'Lost',
      when: 'Never.',
      params: {
        dump: param.path('Dump to read').optional('the newest one'),
        plain: param.text('A note').optional(),
        replaced: param.text('A mode').optional('none').default('fast'),
      },
    },
    ({ step, params: { dump, plain, replaced } }) => {
      step('Read it', look({ from: { dump }, plain }))
      step('Look again', look({ plain, replaced }))
    },
  )
  const { plan } = planOf(book, target, fallbacksOf(book))
  const shown = paramLines(book.about.params)
  expect(shown.map(({ given }) => given)).toEqual(['default: the newest one', 'optional', 'default: fast'])
  const text = planText(plan, shown)
  expect(text).toContain('--dump PATH      Dump to read (default: the newest one)')
  expect(text).toMatch(/1\. Read it .*\n +Looks at .*\n +Without --dump: the newest one\.\n +2\. Look again/)
  expect(text.match(/Without/g)).toHaveLength(1)
  expect(planMarkdown(plan, shown)).toMatch(/Looks at .*  \n {3}Without --dump: the newest one\.\n/)
})

test('objectives and past durations, where there are some', () => {
  const plan = nightPlan()
  const judged = {
    ...plan,
    target: { ...plan.target, objectives: { rtoSeconds: 900, rpoSeconds: 86_400 } },
  }
  const [past, one] = [[61, 65, 200], [0.2]] as const
  expect(planText(judged, [], { past })).toContain(
    'Target: The house (house)\nObjectives: RTO 15m, RPO 1d\nExpected duration: 1m 5s (median of 3 successful runs)\n\n',
  )
  expect(planMarkdown(judged, [], null, one)).toContain(
    '\n**Objectives:** RTO 15m, RPO 1d\n\n**Expected duration:** 1s (median of 1 successful run)\n\n',
  )
  expect(planText(plan, [], { past: one })).not.toContain('Objectives')
  expect(planText(judged, [])).not.toContain('Expected duration')
})

test('Markdown, in which nothing of the plan is markup', () => {
  expect(planMarkdown(nightPlan(), params).replace(/Plan [0-9a-f]{12}/, 'Plan …')).toMatchInlineSnapshot(`
    "# Night \\| shift &lt;b&gt;

    **When:** It is \\\`dark\\\`.

    **Target:** The house (\`house\`)

    \`\`\`sh
    runbook run night --target house --since TIME --dry-run
    runbook run night --target house --since TIME
    \`\`\`

    ## Parameters

    | flag | value | meaning | |
    |---|---|---|---|
    | \`--lamp\` | oil\\|gas | Which lamp | default: oil |
    | \`--since\` | TIME | Since when | required |

    ## Steps

    1. **Look "around"** (read-only)  
       Looks at 2026-02-03T04:12:00.000Z.
    - *In parallel: Two hands*
      2. **Left hand** (changes; can be undone)  
         Changes the left.
      3. **Right hand** (changes; can be undone)  
         Changes ‹after "Look "around""›.
    - *Only if \\--lamp is oil*
      - *Only if fresh of "Look "around"" is true*
        4. **Light the oil** (changes; can be undone)  
           Changes oil.
    - *Only if \\--lamp is gas*
      5. **Light the gas** (changes; can be undone)  
         Changes gas.

    ---

    **Point of no return.** The night is over. From here on failures no longer roll back.

    6. **Burn the bridge** (destroys; cannot be undone: it is gone for good)  
       Destroys the\\\\u001b\\[31m bridge.

    ## At the end of every run

    After success and after rollback.

    7. **Write it down** (changes; can be undone)  
       Changes the book.

    ## If it fails

    Before the point of no return a failed run rolls back automatically: every step that may have had an effect is undone, newest first, and each undo is checked.
    Continue an interrupted run with \`runbook resume ID\` or \`runbook rollback ID\`; \`runbook status\` lists open runs.

    <sub>Plan …</sub>
    "
  `)
})

test('Mermaid, with branches, groups and data', () => {
  expect(planMermaid(nightPlan(), params)).toMatchInlineSnapshot(`
    "flowchart TD
      begin(["Night | shift #60;b#62;"])
      s_look_around["1. Look #34;around#34;"]
      begin --> s_look_around
      subgraph group_1["Two hands"]
      s_left_hand["2. Left hand"]:::change
      s_right_hand["3. Right hand"]:::change
      end
      s_look_around --> s_left_hand
      s_look_around --> s_right_hand
      fork_2{"--lamp"}
      s_left_hand --> fork_2
      s_right_hand --> fork_2
      fork_3{"fresh of #34;Look #34;around#34;#34;"}
      fork_2 -->|"oil"| fork_3
      s_light_the_oil["4. Light the oil"]:::change
      fork_3 -->|"true"| s_light_the_oil
      s_light_the_gas["5. Light the gas"]:::change
      fork_2 -->|"gas"| s_light_the_gas
      pivot{{"Point of no return: The night is over."}}
      s_light_the_oil --> pivot
      fork_3 -->|"otherwise"| pivot
      s_light_the_gas --> pivot
      s_burn_the_bridge["6. Burn the bridge"]:::destroy
      pivot --> s_burn_the_bridge
      s_write_it_down["7. Write it down"]:::change
      s_burn_the_bridge --> s_write_it_down
      s_look_around -.-> s_right_hand
      classDef change fill:#fde68a,stroke:#92400e,color:#000
      classDef destroy fill:#fca5a5,stroke:#991b1b,color:#000
    "
  `)
})
