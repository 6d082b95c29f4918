import { NotFound } from '@/components/NotFound';

export default function Page() {
  return <NotFound />;
}
