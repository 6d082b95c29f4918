import { SharedPage } from '@/components/SharedPage';

export default function Page() {
  return <SharedPage />;
}
