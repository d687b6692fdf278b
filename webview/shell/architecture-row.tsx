import type { PanelState } from '../../src/protocol/panel.js';
import { ConstraintsSection } from '../constraints/constraints-section.js';
import { FrontSection } from '../explore/front-section.js';
import { OthersSection } from '../explore/others-section.js';
import { ArchitectureSection } from '../map/architecture-section.js';
import { SolverSection } from '../solver/solver-section.js';

/** The map beside what decides it. */
export function ArchitectureRow({ state }: { state: PanelState }) {
  return (
    <div class="panel-row">
      <div class="panel-column">
        <ArchitectureSection state={state} />
      </div>
      <div class="panel-column">
        <ConstraintsSection state={state} />
        <SolverSection state={state} />
        <FrontSection state={state} />
        <OthersSection state={state} />
      </div>
    </div>
  );
}
